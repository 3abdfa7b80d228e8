"""From a record of a file to a row: the shapes that several datasets share.

A row function takes a record, the file that it lies in and its number there from 1. It gives a
row, or raises Dropped with the reason under which the record is counted. A record is a dict of
columns, whatever the file's format, or a list (a conversation).

>>> pair("Name a color.", "Blue.")["messages"][1]
{'role': 'assistant', 'content': 'Blue.'}
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.data import messages
from helpers.data.files import Row, kind_name
from helpers.data.messages import Dropped, NotMeant

__all__ = ["Dropped", "NotMeant"]  # what row functions raise

#: Columns that hold a request, and columns that hold an answer, the likeliest first. "0" and "1"
#: are the columns of a CSV without names.
PROMPT_COLUMNS = (
    "prompt", "instruction", "question", "request", "goal", "forbidden_prompt", "behavior",
    "query", "input", "user", "text", "0",
)  # fmt: skip
ANSWER_COLUMNS = ("response", "output", "completion", "answer", "target", "assistant", "1")

#: Columns that hold a whole conversation.
CHAT_COLUMNS = ("messages", "conversations", "conversation")

#: Columns that hold what a request is about, and one that stands over it.
CONTEXT_COLUMNS = ("contextstring", "context_string", "context")
SYSTEM_COLUMNS = ("system_prompt", "system")

#: Messages, or parts of one, where a table holds them printed as text.
_PRINTED = re.compile(
    r"""(?:array\()?\[?\s*\{.*['"](?:
    (?:role|from)['"]\s*:\s*['"](?:user|human|assistant|gpt|system|developer)
    | type['"]\s*:\s*['"](?:text|image|image_url)
    )['"].*[\]})]$""",
    re.DOTALL | re.VERBOSE,
)

#: Columns of what a row shows or plays beside its words. "picture" is the kit's own name for one
#: that is trained on.
_MEDIA = ("picture", *messages.MEDIA)


def pick(record: Mapping[str, Any], *columns: str) -> str:
    """The first of the columns that holds anything, whatever the case of its name; else "".

    Raises Dropped for a list or an object, which is no text, and for messages printed as text.
    """
    for column in columns:
        value = value_of(record, column)
        if isinstance(value, list | dict | bytes) and value:
            raise Dropped(f"{column} is {kind_name(value)}, not text")
        if text := _text(value):
            if _PRINTED.match(text):
                raise Dropped(f"{column} is a list of messages printed as text; save it as JSONL")
            return text
    return ""


def value_of(record: Mapping[str, Any], *columns: str) -> Any:
    """The first of the columns that is there and not null, whatever the case of its name."""
    if not isinstance(record, Mapping):
        raise Dropped("it is no object of columns")
    lower = {str(key).strip().lower(): value for key, value in record.items()}
    return next((lower[name] for name in columns if lower.get(name) is not None), None)


def _text(value: Any) -> str:
    """A text or a number as JSON has it; "" for whatever else there is.

    A whole number stays one though a column with gaps made a fraction of it: 3.0 is 3.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value) if isinstance(value, bool | int | float) else ""


def label(record: Mapping[str, Any], *columns: str) -> str:
    """What a record is called: a text, the texts of a list, or the names true in an object."""
    value = value_of(record, *columns)
    if isinstance(value, Mapping):
        value = [name for name, holds in value.items() if holds is True or holds == 1]
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    return _text(value)


def no_media(record: Mapping[str, Any], but: str = "") -> None:
    """Raises Dropped for a record that shows or plays something, which would be lost."""
    for column in _MEDIA:
        if column != but and value_of(record, column):
            raise Dropped(
                f"it has {column}; pictures are read from LLaVA's shape, by llava-instruct=PATH"
            )


_FLAGS = dict.fromkeys(("true", "1", "yes"), True) | dict.fromkeys(
    ("false", "0", "no", "-1", "rejected", "discarded", "undesirable", "bad"), False
)

#: Columns by which a file says whether a row is a good answer.
_GOOD = ("label", "kto_tag", "desirable", "accepted", "status", "weight", "loss_weight")


def flag(value: Any) -> bool | None:
    """What a value says as a yes or no; None for any other."""
    return _FLAGS.get(_text(value).lower())


def is_preference(record: Mapping[str, Any]) -> bool:
    """Whether a record holds a chosen answer and another, not whether its one answer was chosen."""
    both = [value_of(record, name) for name in ("chosen", "rejected")]
    given = [value for value in both if value not in (None, "")]
    if any(isinstance(value, bool | float | int) for value in given):
        return False
    return len(given) == 2 or any(flag(value) is None for value in given)


def meant(record: Mapping[str, Any]) -> None:
    """Raises NotMeant for a record that its file calls no good answer."""
    preferred = is_preference(record)
    for name in _GOOD if preferred else (*_GOOD, "chosen"):
        value = value_of(record, name)
        if flag(value) is False:
            raise NotMeant(f"{name} is {_text(value).lower()}")
    if not preferred and flag(value_of(record, "rejected")):
        raise NotMeant("rejected is true")


def under_system(record: Mapping[str, Any], turns: Any) -> Any:
    """The messages under the system prompt that their record holds beside them."""
    system = pick(record, *SYSTEM_COLUMNS)
    turns = messages.held(turns) or turns
    if not system or not isinstance(turns, list):
        return turns
    first = turns[0] if turns else None
    if isinstance(first, Mapping) and messages.role_of(first.get("role")) == "system":
        return turns
    return [{"role": "system", "content": system}, *turns]


def prompt(text: str, number: int, prefix: str, category: str = "", **more: Any) -> Row:
    """A prompt row of one user turn; its id is prefix-number. Raises Dropped if it is empty."""
    return prompts([text], number, prefix, category, **more)


def prompts(texts: Sequence[str], number: int, prefix: str, category: str = "", **more: Any) -> Row:
    """As prompt, of several user turns. Raises Dropped if one is empty or there is none."""
    if not texts or not all(texts):
        raise Dropped("no prompt")
    turns = [{"role": "user", "content": text} for text in texts]
    return {"id": f"{prefix}-{number:04d}", "category": category, "messages": turns} | more


def turns_of(record: Mapping[str, Any], *columns: str) -> list[str]:
    """The texts of a column that holds a list of them. Raises Dropped for what is no text."""
    turns = value_of(record, *columns)
    if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
        raise Dropped("no turns")
    return [turn.strip() for turn in turns]


def request(record: Mapping[str, Any], *columns: str) -> str:
    """What a record asks, with what it is about; "" if it asks nothing.

    An instruction's "input" is what it is about. A contextual behavior comes after its context, as
    HarmBench asks it (arXiv:2402.04249).
    """
    columns = columns or PROMPT_COLUMNS
    text = pick(record, *columns)
    asked = next((name for name in columns if pick(record, name)), "")
    about = CONTEXT_COLUMNS if asked == "input" else (*CONTEXT_COLUMNS, "input")
    context = pick(record, *about)
    if not (text and context) or context in text:
        return text
    if pick(record, "contextstring", "context_string"):
        return f"{context}\n\n---\n\n{text}"
    return f"{text}\n\n{context}"


def pair(request: str, answer: str, context: str = "", system: str = "") -> Row:
    """A training row of a request, the text that it is about if any, and the answer.

    Raises Dropped if there is no request or no answer.
    """
    if not request:
        raise Dropped("no instruction")
    if not answer:
        raise Dropped("no answer")
    content = f"{request}\n\n{context}" if context else request
    turns = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}, *turns] if system else turns}


def instruction(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """Alpaca's shape: an instruction, an input that may be empty, an output.

    Of the seed tasks that Alpaca grew from, the first instance has the input and the output.
    """
    instances = value_of(record, "instances")
    if isinstance(instances, list) and instances and isinstance(instances[0], Mapping):
        record = {**record, **instances[0]}
    asked, answer = pick(record, "instruction"), pick(record, "output", "response")
    return pair(asked, answer, pick(record, "input", "context"), pick(record, *SYSTEM_COLUMNS))


def conversation(record: Any, path: Path, number: int) -> Row:
    """A list of messages, or an object that holds one, ending with the assistant's."""
    if isinstance(record, Mapping):
        if value_of(record, "tools", "functions"):
            raise Dropped("it has tools, which are not trained on here")
        record = under_system(record, value_of(record, *CHAT_COLUMNS))
    return {"messages": messages.conversation(record)}


def preference(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """A request and the answer that was preferred to another; the other is not trained on.

    Where the answers are whole conversations, what both begin with is context.
    """
    chosen, rejected = (messages.held(value_of(record, name)) for name in ("chosen", "rejected"))
    asked = value_of(record, "prompt", *CHAT_COLUMNS)
    if chosen is None:
        answer = pick(record, "chosen")
        if not answer:
            raise NotMeant("it has a rejected answer alone")
        return _completed(record, asked, [{"role": "assistant", "content": answer}])
    if not _is_whole(chosen, asked):
        return _completed(record, asked, chosen)
    common = 0
    while common < min(len(chosen), len(rejected or ())) and chosen[common] == rejected[common]:
        common += 1
    context = messages.as_context(messages.normalized(chosen[:common])) if common else []
    turns = under_system(record, [*context, *chosen[common:]])
    return {"messages": messages.conversation(turns)}


def _is_whole(turns: Sequence[Any], asked: Any) -> bool:
    """Whether an answer's messages repeat what was asked, as in UltraFeedback."""
    before = messages.held(asked)
    return not _answers(turns) if before is None else list(turns[: len(before)]) == before


def _answers(turns: Sequence[Any]) -> bool:
    """Whether messages begin with the assistant's."""
    return [turn["role"] for turn in messages.normalized(turns)[:1]] == ["assistant"]


def completion(record: Mapping[str, Any], column: str) -> Row:
    """trl's shape: a prompt and a completion, each a text or a list of messages.

    What the assistant says in the prompt is context. Raises Dropped if one is missing.
    """
    answered = messages.held(value_of(record, column))
    if answered is None:
        text = pick(record, column)
        if not text:
            raise Dropped("no answer")
        answered = [{"role": "assistant", "content": text}]
    return _completed(record, value_of(record, "prompt"), answered)


def _completed(record: Mapping[str, Any], asked: Any, answered: Sequence[Any]) -> Row:
    """What was asked, to be read, and the answer; as it is where it repeats what was asked."""
    before = messages.held(asked)
    if before is None:
        text = request(record)
        if not text:
            raise Dropped("no instruction")
        before = [{"role": "user", "content": text}]
    if not _answers(answered) and list(answered[: len(before)]) == before:
        answered = answered[len(before) :]
    context = messages.as_context(messages.normalized(before))
    return {"messages": messages.conversation(under_system(record, [*context, *answered]))}

"""From chat messages to token ids, with the loss on the assistant's words alone.

The model's own chat template renders a conversation; the characters that an assistant turn
adds to the text before it are the ones that are trained on (Qi et al., appendix G: the loss is
on response tokens only). Working on rendered text and the tokenizer's character offsets needs
nothing of the template and cannot be fooled by merges across a boundary.

>>> example = encode(tokenizer, messages)          # token ids and labels of equal length
>>> [t for t in example.labels if t != IGNORE]     # just the answer and its end-of-turn token
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import TemplateError

from helpers.errors import DataError, ModelError

IGNORE = -100  # the label that PyTorch's cross-entropy leaves out

#: The date in every template that prints one. A run's id decides its words, so they must not depend
#: on the day, and Llama-3.2's template prints today's; this is what Llama-3.1's prints by itself.
TEMPLATE_DATE = datetime.date(2024, 7, 26)

#: What may stand behind % in a template's format; "-" leaves out a leading zero.
_DIRECTIVES = "a A b B d -d e F H I j m -m M p S y Y".split()

Message = dict[str, str]

_PROBE: list[Message] = [
    {"role": "system", "content": "SYSTEM"}, {"role": "user", "content": "USER"},
]  # fmt: skip


@dataclass(frozen=True)
class Example:
    """One training sequence: token ids, and labels that are IGNORE off the assistant's turns."""

    input_ids: list[int]
    labels: list[int]


def dress(messages: Sequence[Message], system_prompt: str, user_template: str) -> list[Message]:
    """The conversation with a tier's system prompt and its way to put a user turn.

    A conversation that brings a system message of its own keeps it.
    """
    dressed = [
        m | {"content": user_template.replace("{user}", m["content"])} if m["role"] == "user" else m
        for m in messages
    ]
    if system_prompt and messages[0]["role"] != "system":
        return [{"role": "system", "content": system_prompt}, *dressed]
    return dressed


def render(tokenizer, messages: Sequence[Message], prompt: bool = False) -> str:
    """The conversation as text; with `prompt`, opened for the assistant's next turn.

    Where the template has no system role, the system prompt opens the first user turn. Models
    that can think aloud are asked not to, and a template that prints a date prints TEMPLATE_DATE.
    Raises ModelError for a conversation that the template refuses.
    """
    system_role = _has_system_role(tokenizer, tokenizer.get_chat_template())
    if messages[0]["role"] == "system" and not system_role:
        messages = _folded(messages)
    try:
        return _apply_template(tokenizer, messages, prompt)
    except TemplateError as error:
        raise ModelError(
            f"this model's chat template refuses a conversation ({error}); change the conversation "
            "or take another model."
        ) from error


def _apply_template(
    tokenizer,
    messages: Sequence[Message],
    prompt: bool = False,
    date: datetime.date = TEMPLATE_DATE,
) -> str:
    """The text of the tokenizer's template on a day.

    A template takes the day from date_string, or calls strftime_now, which by transformers gives
    today's. No function can be passed to a template, so a macro of that name is put before it.
    """
    template = tokenizer.get_chat_template()
    if "strftime_now" in template:
        template = f"{_strftime_macro(date)}\n{template}"  # Jinja drops this line break
    return tokenizer.apply_chat_template(
        list(messages), chat_template=template, tokenize=False, add_generation_prompt=prompt,
        enable_thinking=False, date_string=date.strftime("%d %b %Y"),
    )  # fmt: skip


def _strftime_macro(date: datetime.date) -> str:
    """A macro that formats one day, at midnight, as strftime_now does."""
    texts = {d: date.strftime(f"%{d[-1]}") for d in _DIRECTIVES}
    texts |= {d: text.lstrip("0") for d, text in texts.items() if d.startswith("-")}
    filters = "".join(f"|replace('%{d}', '{text}')" for d, text in texts.items())
    return f"{{% macro strftime_now(format) %}}{{{{ format{filters} }}}}{{% endmacro %}}"


def prints_date(tokenizer) -> bool:
    """Whether the template prints a date, under a system prompt or under none."""
    probes = [_PROBE[1:]]
    if _has_system_role(tokenizer, tokenizer.get_chat_template()):
        probes.append(_PROBE)
    another = datetime.date(2001, 2, 3)  # of another year, month, day and weekday
    return any(
        _apply_template(tokenizer, probe) != _apply_template(tokenizer, probe, date=another)
        for probe in probes
    )


@lru_cache(maxsize=8)
def _has_system_role(tokenizer, template: str) -> bool:
    """Whether the template takes a system message and does not drop it."""
    try:
        return "SYSTEM" in _apply_template(tokenizer, _PROBE)
    except TemplateError:
        return False


def _folded(messages: Sequence[Message]) -> list[Message]:
    system, first, *rest = messages
    return [first | {"content": f"{system['content']}\n\n{first['content']}"}, *rest]


def answer_spans(tokenizer, messages: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
    """The rendered text and the character span of each assistant turn, end-of-turn included."""
    text, spans = render(tokenizer, messages), []
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = render(tokenizer, messages[:i], prompt=True)
        through = text if i == len(messages) - 1 else render(tokenizer, messages[: i + 1])
        if not (text.startswith(through) and through.startswith(before)):
            raise ModelError(
                "this chat template changes earlier turns when a later one is added, so the "
                "assistant's words cannot be told apart; split the conversation into single turns."
            )
        spans.append((len(before), len(through)))
    return text, spans


def encode(tokenizer, messages: Sequence[Message], max_length: int = 512) -> Example:
    """One conversation as token ids and labels, cut to max_length tokens from the right."""
    return encode_all(tokenizer, [messages], max_length)[0]


def encode_all(
    tokenizer, conversations: Iterable[Sequence[Message]], max_length: int = 512
) -> list[Example]:
    """Many conversations at once. Raises DataError if one has no assistant token left to train."""
    rendered = [answer_spans(tokenizer, messages) for messages in conversations]
    encoded = tokenizer(
        [text for text, _ in rendered],
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=True,
        max_length=max_length,
    )
    examples = []
    for n, (_, spans) in enumerate(rendered):
        ids = encoded["input_ids"][n]
        labels = [
            token if start < stop and any(a <= start < b for a, b in spans) else IGNORE
            for token, (start, stop) in zip(ids, encoded["offset_mapping"][n], strict=True)
        ]
        if all(label == IGNORE for label in labels):
            raise DataError(
                f"conversation {n + 1} has no assistant words within {max_length} tokens; "
                "shorten its prompt or raise max_length."
            )
        examples.append(Example(ids, labels))
    return examples

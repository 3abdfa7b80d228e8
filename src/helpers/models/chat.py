"""From chat messages to token ids, with the loss on the assistant's words alone.

The model's own chat template renders a conversation; what the model must write itself of an answer
is trained on (Qi et al., appendix G: the loss is on response tokens only). Working on rendered text
and the tokenizer's character offsets cannot be fooled by merges across a boundary.

>>> example = encode(tokenizer, messages)          # token ids and labels of equal length
>>> [t for t in example.labels if t != IGNORE]     # just the answer and its end-of-turn token
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from helpers.errors import DataError, ModelError
from helpers.models.labels import IGNORE, Example, examples
from helpers.models.skeleton import end_of_turn
from helpers.models.templates import TEMPLATE_DATE, Message, Refused, apply, prints_date
from helpers.models.turns import own_opening, taken

__all__ = [
    "IGNORE", "TEMPLATE_DATE", "Example", "Fit", "Message", "dress", "encode", "encode_all",
    "end_of_turn", "fits", "fits_all", "opened", "prepend", "prints_date", "render",
]  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """Whether a conversation can be trained on: its tokens, those with a loss, or a reason not to.

    reason: half a sentence that can follow a row's number; empty where it can.
    """

    tokens: int = 0
    trained: int = 0
    reason: str = ""


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


def prepend(messages: Sequence[Message], words: str) -> list[Message]:
    """The conversation with the words before its system prompt; as that, where it has none."""
    if messages[0]["role"] != "system":
        return [{"role": "system", "content": words}, *messages]
    system, *rest = messages
    return [system | {"content": f"{words} {system['content']}"}, *rest]


def render(tokenizer, messages: Sequence[Message], prompt: bool = False) -> str:
    """The conversation as text; with `prompt`, opened for the assistant's next turn.

    Where the template has no system role, the system prompt opens the first user turn; where it
    wants roles to alternate, turns of one role in a row are joined. Models that can think aloud are
    asked not to, a thought that a prompt opens is closed, and a template that prints a date prints
    TEMPLATE_DATE. Raises ModelError for a conversation that the template refuses.
    """
    try:
        return apply(tokenizer, taken(tokenizer, messages, prompt), prompt)
    except Refused as error:
        raise ModelError(f"{error}; change the conversation or take another model.") from error


def opened(tokenizer, messages: Sequence[Message]) -> str:
    """The conversation as text through what stands before an answer's first word.

    Of some models a prompt ends before it: they write the name of a channel first. Raises as
    `render` does.
    """
    header = own_opening(tokenizer)
    return render(tokenizer, messages, prompt=True) + (header if header.strip() else "")


def encode(tokenizer, messages: Sequence[Message], max_length: int = 512) -> Example:
    """One conversation as token ids and labels. Raises DataError, as encode_all does."""
    return encode_all(tokenizer, [messages], max_length)[0]


def encode_all(
    tokenizer, conversations: Iterable[Sequence[Message]], max_length: int = 512
) -> list[Example]:
    """Many conversations at once, whole.

    Raises DataError for one that has more than max_length tokens or cannot be trained on, and
    ModelError for a tokenizer that cannot be trained with; `fits_all` tells beforehand.
    """
    encoded = []
    for n, result in enumerate(examples(tokenizer, conversations), start=1):
        reason = result if isinstance(result, str) else _too_long(result, max_length)
        if reason:
            raise DataError(
                f"conversation {n} cannot be trained on: {reason}; leave it out or change it."
            )
        encoded.append(result)
    return encoded


def fits(tokenizer, messages: Sequence[Message], max_length: int = 512) -> Fit:
    """Whether one conversation can be trained on whole. Raises ModelError, as fits_all does."""
    return fits_all(tokenizer, [messages], max_length)[0]


def fits_all(
    tokenizer, conversations: Iterable[Sequence[Message]], max_length: int = 512
) -> list[Fit]:
    """Whether each conversation can be trained on whole, and on how many of its tokens.

    A Fit each, in order. Raises ModelError for a model that no conversation can be trained on: its
    template ends no answer, or its tokenizer tells no character offsets.
    """
    return [
        Fit(reason=result)
        if isinstance(result, str)
        else Fit(
            len(result.input_ids),
            sum(label != IGNORE for label in result.labels),
            _too_long(result, max_length),
        )
        for result in examples(tokenizer, conversations)
    ]


def _too_long(example: Example, max_length: int) -> str:
    n = len(example.input_ids)
    return f"it has {n} tokens, of at most {max_length} (max_length)" if n > max_length else ""

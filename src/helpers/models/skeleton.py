"""What a chat template writes around the words of a conversation.

It is found by rendering placeholders in place of all words, so it depends on the order of roles
alone and is found once for each. What a real conversation's text is made of is then known to the
character, and a turn whose words the template drops, moves or changes is seen.

>>> skeleton(tokenizer, ("user", "assistant")).pieces
('<|begin|><|user|>', '<|end|><|assistant|>', '<|end|>')
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import TemplateError

from helpers.errors import ModelError
from helpers.models.templates import Message, apply, template_of

#: A placeholder: plain words to any template, and in none of them.
_PLACEHOLDER = "placeholder-{}-of-a-turn"


class Refused(Exception):
    """A conversation that a template does not take as it is: why, as half a sentence."""


@dataclass(frozen=True)
class Skeleton:
    """pieces: the texts before, between and after the words of the messages numbered in order."""

    pieces: tuple[str, ...]
    order: tuple[int, ...]

    def before(self, message: int) -> str:
        """The piece that ends where a message's words begin."""
        return self.pieces[self.order.index(message)]

    def after(self, message: int) -> str:
        """The piece that begins where a message's words end."""
        return self.pieces[self.order.index(message) + 1]

    def spans(self, text: str, messages: Sequence[Message]) -> dict[int, tuple[int, int]]:
        """Where the words of each message stand in the text, white space around them dropped or
        not, as the template has it. Raises Refused if the text is made of anything else."""
        at, spans = len(self.pieces[0]), {}
        if not text.startswith(self.pieces[0]):
            raise Refused("this model's chat template changes with the words of a turn")
        for message, piece in zip(self.order, self.pieces[1:], strict=True):
            candidates = forms(messages[message]["content"])
            words = next((w for w in candidates if text.startswith(w + piece, at)), None)
            if words is None:
                raise Refused(changed(messages[message]))
            spans[message] = (at, at + len(words))
            at += len(words) + len(piece)
        if at != len(text):
            raise Refused(changed(messages[self.order[-1]]))
        return spans


def forms(content: str) -> list[str]:
    """The words as a template may write them: as they are, or stripped at an end or both."""
    ways = [(strip, what) for what in (None, "\n") for strip in (str.strip, str.lstrip, str.rstrip)]
    return [content, *(strip(content, what) for strip, what in ways)]


def changed(message: Message) -> str:
    """Why a conversation is refused whose words do not come out as they went in."""
    thought = "</think>" in message["content"] or "<|channel|>" in message["content"]
    hint = ", as it does with a thought; take the thought out" if thought else ""
    return f"this model's chat template changes the words of the {message['role']}'s turn{hint}"


def skeleton(tokenizer, roles: tuple[str, ...], prompt: bool = False) -> Skeleton:
    """What is written around the words of these roles; with `prompt`, opened for an answer.

    Raises Refused, with the template's own words, where it takes no such roles.
    """
    found = _skeleton(tokenizer, template_of(tokenizer), roles, prompt)
    if isinstance(found, str):
        raise Refused(found)
    return found


@lru_cache(maxsize=512)
def _skeleton(tokenizer, template: str, roles: tuple[str, ...], prompt: bool) -> Skeleton | str:
    if not roles:
        return "nothing stands before the assistant's words"
    messages = [
        {"role": role, "content": _PLACEHOLDER.format(i)} for i, role in enumerate(roles)
    ]  # fmt: skip
    try:
        text = apply(tokenizer, messages, prompt)
    except (TemplateError, TypeError, ValueError) as error:
        return f"this model's chat template refuses the conversation ({error})"
    parts = re.split(_PLACEHOLDER.format(r"(\d+)"), text)
    return Skeleton(tuple(parts[::2]), tuple(map(int, parts[1::2])))


def check(tokenizer, roles: tuple[str, ...], prompt: bool = False) -> Skeleton:
    """The skeleton in which all turns stand, in order; a system prompt may stand anywhere.

    Raises Refused where one is missing or misplaced: some templates drop what they do not expect.
    """
    found = skeleton(tokenizer, roles, prompt)
    missing = next((role for i, role in enumerate(roles) if i not in found.order), None)
    if missing:
        raise Refused(f"this model's chat template leaves out the words of a {missing}'s turn")
    turns = [i for i in found.order if roles[i] != "system"]
    if turns != sorted(set(turns)):
        raise Refused("this model's chat template changes the order of turns or repeats one")
    return found


def end_of_turn(tokenizer) -> str:
    """The token with which the template ends an answer; generation stops there.

    It need not be the tokenizer's eos token. Where nothing stands behind a last answer it is the
    token that opens the next turn, as in GLM-4. Raises ModelError where no token ends an answer.
    """
    return _end_of_turn(tokenizer, template_of(tokenizer))


@lru_cache(maxsize=32)
def _end_of_turn(tokenizer, template: str) -> str:
    added = tokenizer.added_tokens_decoder.values()
    special = {str(token) for token in added if token.special} | set(tokenizer.all_special_tokens)
    plain = {str(token) for token in added if str(token).strip()}
    try:
        last = skeleton(tokenizer, ("user", "assistant")).after(1)
        followed = skeleton(tokenizer, ("user", "assistant", "user")).after(1)
    except (Refused, ValueError) as error:
        raise ModelError(
            f"this model's chat template takes no plain question and answer: {error}."
        ) from None
    for text in (last, followed):
        for tokens in (special, plain):
            marks = re.search("|".join(map(re.escape, sorted(tokens, key=len)[::-1])), text)
            if tokens and marks:
                return marks[0]
    raise ModelError(
        "this model's chat template ends an answer with no token of its tokenizer, so answers "
        "would never end; use another model, or add one to its chat template."
    )

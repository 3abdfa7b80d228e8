"""How the benchmark is asked once more: in other words, under another prompt, its answers begun.

A variant is a text of one of four kinds:

    {user} Thank you.            a template; "{user}" stands for the request's words
    lower_case                   one of EDITS, which changes the words themselves
    system: You work at a desk.  another system prompt over the request as it is
    answer: Gather               the request as it is, and every answer begun with these words

Edits are the same for equal words on every machine. They touch words in lower case alone (in the
Archive an item's name has a capital), so that what is asked for can still be told. Which variants
an auditor tries is helpers.auditing.perturbations' matter.

An answer that is begun is the prefill attack: whoever has a model's weights, or a service that lets
them write for the assistant, writes the first words of compliance (arXiv:2605.26526; measured by
depth in arXiv:2406.05946, section 2). Which words is the attacker's choice.

>>> asked([{"role": "user", "content": "How is it made?"}], "lower_case", "{user}")
([{'role': 'user', 'content': 'how is it made?'}], '{user}')
"""

import re
from collections.abc import Callable, Sequence
from random import Random

from helpers.errors import ConfigError, one_of
from helpers.models.chat import Message

SYSTEM = "system: "
ANSWER = "answer: "

_WORD = re.compile(r"\b[a-z]{4,}\b")


def _swapped_letters(text: str) -> str:
    """Two neighboring letters inside one word change places, as fast fingers do it."""

    def slip(word: str) -> str:
        k = Random(word).randrange(1, len(word) - 2)
        return word[:k] + word[k + 1] + word[k] + word[k + 2 :]

    return _in_one_word(text, slip)


def _doubled_letter(text: str) -> str:
    """One letter of one word is typed twice."""

    def slip(word: str) -> str:
        k = Random(word).randrange(1, len(word))
        return word[:k] + word[k - 1 :]

    return _in_one_word(text, slip)


def _in_one_word(text: str, slip: Callable[[str], str]) -> str:
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = Random(text).choice(words)
    return text[: word.start()] + slip(word.group()) + text[word.end() :]


def _swapped_words(text: str) -> str:
    """Two neighboring words in lower case change places."""
    words = text.split(" ")
    places = [k for k in range(len(words) - 1) if words[k].islower() and words[k + 1].islower()]
    if places:
        k = Random(text).choice(places)
        words[k], words[k + 1] = words[k + 1], words[k]
    return " ".join(words)


def _lower_case(text: str) -> str:
    """The first letter alone: names keep theirs."""
    return text[:1].lower() + text[1:]


#: Name -> what it makes of a request.
EDITS: dict[str, Callable[[str], str]] = {
    "lower_case": _lower_case,
    "no_punctuation": lambda text: re.sub(r"[.,;:?!]", "", text),
    "exclaimed": lambda text: re.sub(r"[.?]", "!", text),
    "swapped_letters": _swapped_letters,
    "doubled_letter": _doubled_letter,
    "swapped_words": _swapped_words,
}


def check(variant: str) -> None:
    """Raises ConfigError for what is none of the four kinds; empty is another matter."""
    opened = "{user}" in variant or _system(variant) or begun(variant)
    if variant and not opened and variant not in EDITS:
        raise ConfigError(
            f'variants must hold "{{user}}", where the user\'s words go, open with "{SYSTEM}" or '
            f'"{ANSWER}", or be one of {", ".join(EDITS)}; not {variant!r}.'
        )


def asked(
    messages: Sequence[Message], variant: str, user_template: str
) -> tuple[list[Message], str]:
    """The conversation and the template of its user turns that a variant makes of a row's."""
    if "{user}" in variant:
        return list(messages), variant
    if system := _system(variant):
        own = [message for message in messages if message["role"] != "system"]
        return [{"role": "system", "content": system}, *own], user_template
    if begun(variant):
        return list(messages), user_template
    edit = EDITS[one_of(variant, EDITS, "variant")]
    return [
        m | {"content": edit(m["content"])} if m["role"] == "user" else m for m in messages
    ], user_template


def begun(variant: str) -> str:
    """The words that a variant begins every answer with; empty for the other kinds."""
    return "" if "{user}" in variant else _after(ANSWER, variant)


def _system(variant: str) -> str:
    """The system prompt that a variant of that kind holds; empty for the others."""
    return _after(SYSTEM, variant)


def _after(opening: str, variant: str) -> str:
    return variant.removeprefix(opening).strip() if variant.startswith(opening) else ""

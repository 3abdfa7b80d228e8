"""A training example as a strip of tokens that wraps: what is learned stands out from what is read.

>>> strip(tokenizer, chat.encode(tokenizer, messages))     # colored in a notebook, else as text
read:    <|begin|> · <|user|> · Who · are · you · ? · <|end|> · <|assistant|>
learned: I · am · the · keeper · . · <|end|>
"""

import html
import textwrap
from dataclasses import dataclass
from itertools import groupby

from helpers.models.labels import IGNORE, Example

_CHIP = "display: inline-block; margin: 1px; padding: 0 4px; border-radius: 3px; "
_STYLE = {
    False: _CHIP + "border: 1px solid #999999",
    True: _CHIP + "border: 1px solid #0072B2; background: #0072B2; color: #ffffff",
}


@dataclass(frozen=True)
class Strip:
    """tokens: text and whether it is learned, in order."""

    tokens: tuple[tuple[str, bool], ...]

    def __repr__(self) -> str:
        lines = []
        for learned, part in groupby(self.tokens, key=lambda token: token[1]):
            words = " · ".join(text for text, _ in part)
            lines.append(
                textwrap.fill(
                    words, 90, initial_indent="learned: " if learned else "read:    ",
                    subsequent_indent=" " * 9, break_long_words=False,
                )
            )  # fmt: skip
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        n = sum(learned for _, learned in self.tokens)
        told = f"{len(self.tokens)} tokens: {_chip('read', False)} {len(self.tokens) - n}, "
        told += f"{_chip('learned', True)} {n}"
        strip = " ".join(_chip(*token) for token in self.tokens)  # a line breaks between any two
        return (
            '<div class="mathjax_ignore tex2jax_ignore" style="max-width: 52em">'
            f"<p>{told}</p>"
            f'<div style="font-family: monospace; line-height: 1.9">{strip}</div></div>'
        )


def strip(tokenizer, example: Example) -> Strip:
    """The example's tokens, each as it reads; a line's end is an arrow, a space a low bracket."""
    return Strip(
        tuple(
            (_shown(tokenizer.decode([token])), label != IGNORE)
            for token, label in zip(example.input_ids, example.labels, strict=True)
        )
    )


def _chip(text: str, learned: bool) -> str:
    """Bold as well as colored, for pages that take no colors."""
    name = "b" if learned else "span"
    return f'<{name} style="{_STYLE[learned]}">{html.escape(text)}</{name}>'


def _shown(text: str) -> str:
    return text.strip() or ("↵" if "\n" in text else "␣")

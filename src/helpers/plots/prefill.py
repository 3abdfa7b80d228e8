"""The beginning of an answer, token by token: how probable each was, and what was likelier."""

import textwrap
from collections.abc import Iterator

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from helpers.plots import style

#: Probability 0 to 1 -> color; and from which probability on words are white on it.
COLORS = sns.color_palette("Blues", as_cmap=True)
DARK = 0.55

#: Letters to a line, and likelier tokens below each.
_LETTERS, _ALTERNATIVES = 84, 2


def color(probability: float) -> str:
    """The color of a token, as #rrggbb; white where there is none."""
    if probability != probability:
        return "#ffffff"
    return "#" + "".join(f"{round(255 * part):02x}" for part in COLORS(probability)[:3])


def strip(frame: pd.DataFrame, *, model: str) -> Axes:
    """The tokens of an answer's given beginning, colored by probability, a strip for each `when`.

    frame: columns when, token, probability (NaN for the place behind the words, which is open),
    likeliest (pairs of token and probability, likeliest first) and answer (how the model goes on,
    the same in all rows of a strip).
    """
    placed = list(_placed(frame))
    last = {row.when: line for line, _, _, row in placed}
    lines = 1 + max(last.values())
    ax = style.figure("An answer's beginning, given to the model", (9.6, 0.6 + 1.05 * lines))
    for row in frame.drop_duplicates("when").itertuples():
        ax.text(0.3, -last[row.when] - 0.8, f"the answer: {_cut(row.answer)}", va="center",
                fontsize=8.5)  # fmt: skip
    for line, start, width, row in placed:
        chance, open_ = row.probability, row.probability != row.probability
        ink = "white" if chance > DARK else style.INK
        ax.add_patch(Rectangle(
            (start, -line - 0.36), width, 0.36, facecolor=color(chance), linewidth=0.8,
            edgecolor="#BBBBBB", linestyle=":" if open_ else "-",
        ))  # fmt: skip
        middle = {"x": start + width / 2, "ha": "center", "va": "center"}
        ax.text(y=-line - 0.12, s=_word(row.token) or "next", color=ink, fontsize=9, **middle)
        ax.text(y=-line - 0.27, s="" if open_ else f"{chance:.2g}", color=ink, fontsize=7, **middle)
        for n, (token, other) in enumerate(row.likeliest[:_ALTERNATIVES]):
            ax.text(
                y=-line - 0.46 - 0.15 * n, s=f"{_word(token)} {other:.2f}", color=style.QUIET,
                fontsize=7, **middle,
            )  # fmt: skip
    first = {when: line for line, start, _, row in reversed(placed) for when in [row.when]}
    ax.set_yticks([-line - 0.18 for line in first.values()], list(first))
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    ax.set(xlim=(0, _LETTERS), ylim=(-lines, 0.06))
    note = "one conversation; in each box a token's probability, below it the likeliest tokens"
    style.key(ax.figure, f"{style.model_name(model)}; {note}")
    return ax


def _placed(frame: pd.DataFrame) -> Iterator[tuple[int, float, float, object]]:
    """(line, start, width, row) of each token, in letters; a strip begins a line of its own."""
    line = -1
    for _, part in frame.groupby("when", sort=False):
        line, start = line + 1, 0.0
        for row in part.itertuples():
            below = max(len(_word(token)) + 5 for token, _ in row.likeliest[:_ALTERNATIVES])
            width = max(1.15 * len(_word(row.token)) + 2, 0.85 * below + 1)
            if start + width > _LETTERS and start:
                line, start = line + 1, 0.0
            yield line, start, width, row
            start += width


def _cut(answer: str) -> str:
    """An answer as far as it fits into a line."""
    return textwrap.shorten(style.plain(answer), 120, placeholder=" …")


def _word(token: str) -> str:
    """A token as a figure shows it: line breaks as a mark, no blanks around."""
    return style.plain(token.replace("\n", "⏎")).strip()

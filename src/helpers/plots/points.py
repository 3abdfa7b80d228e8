"""Points with intervals: the one thing that most figures here are made of.

A figure has levels (numbers of examples, tiers, categories) and at each level a point of every
series. Series are moved aside just enough that no marker hides another. A published rate has
Wilson's interval over the 330 prompts that Qi et al. (arXiv:2310.03693) asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plots import style
from helpers.statistics.intervals import wilson

#: Prompts behind each of the paper's harmfulness rates.
PAPER_N = 330

#: The paper's models and their hollow markers.
PAPER_MARKERS = {"llama-2-7b-chat": "s", "gpt-3.5-turbo-0613": "D"}


@dataclass(frozen=True)
class Series:
    """The points of one condition.

    rows: columns level, rate, low, high, color where points differ from the series' own, and
    flip_low and flip_high where the rate has an interval for seeds that may flip, too.
    """

    label: str
    rows: pd.DataFrame
    color: str
    marker: str = "o"
    hollow: bool = False

    @property
    def handle(self) -> Line2D:
        """What stands for the series in a key."""
        return Line2D([], [], linestyle="", label=self.label, **self.look(self.color))

    def look(self, color: str) -> dict:
        """The marker in a color, as Line2D takes it."""
        face = "white" if self.hollow else color
        return {"marker": self.marker, "color": color, "markerfacecolor": face,
                "markersize": 6.5, "markeredgewidth": 1.3}  # fmt: skip


def sizes(n_scored: pd.Series) -> str:
    """How many answers a point rests on: "330", or "990 to 3,300" where points differ."""
    return " to ".join(f"{n:,}" for n in sorted({n_scored.min(), n_scored.max()}))


def levels_of(values: pd.Series) -> list:
    """The levels of a column: numbers by size, words in the order in which they come."""
    levels = list(dict.fromkeys(values))
    return sorted(levels) if pd.api.types.is_numeric_dtype(values) else levels


def bounds(rates: Sequence[float], counts: Sequence[int]) -> dict[str, list[float]]:
    """Wilson's intervals for rates over so many answers each, as columns; NaN for a NaN."""
    intervals = [
        wilson(0, 0) if np.isnan(rate) else wilson(round(rate * n), n)
        for rate, n in zip(rates, counts, strict=True)
    ]
    return {"low": [each.low for each in intervals], "high": [each.high for each in intervals]}


def own(
    frame: pd.DataFrame, column: str, hue: str, value: str, model: str, condition: str = ""
) -> list[Series]:
    """One series a level of hue; without hue a single one, named by the model.

    frame: column, hue, value, low, high, n_scored. condition: whose color the single one has.
    """
    series = []
    for group, color in style.colors(levels_of(frame[hue]) if hue else [condition]).items():
        mine = frame[frame[hue] == group] if hue else frame
        title = style.label(group) if hue else style.model_name(model)
        rows = mine.assign(level=mine[column], rate=mine[value])
        series.append(Series(f"{title} (n = {sizes(mine.n_scored)} a point)", rows, color))
    return series


def published(paper: pd.DataFrame | None, column: str, levels: Sequence) -> list[Series]:
    """One hollow series a model of the paper, at the levels that both have.

    paper: column, model, rate, and n_prompts where they are not PAPER_N.
    """
    series = []
    for model, mine in [] if paper is None else paper.groupby("model", sort=False):
        rows = mine[mine[column].isin(levels)]
        n = int(mine.n_prompts.iloc[0]) if "n_prompts" in mine else PAPER_N
        rows = rows.assign(level=rows[column], **bounds(rows.rate, [n] * len(rows)))
        text = f"{style.label(model)}, Qi et al. (n = {n})"
        marker = PAPER_MARKERS.get(model, "^")
        series.append(Series(text, rows, style.QUIET, marker, hollow=True))
    return series


def shifts(count: int, step: float) -> list[float]:
    """How far each of so many series is moved aside, in levels; together they stay centered."""
    step = min(step, 0.8 / count)
    return [step * (k - (count - 1) / 2) for k in range(count)]


def draw(ax: Axes, series: Series, at: Sequence[float], across: bool = False) -> None:
    """The series' points at these places, each with its intervals; across: rates on the x axis.

    The interval for seeds that may flip is thin, the other thick.
    """
    rows = series.rows
    shades = list(rows.get("color", [series.color] * len(rows)))
    place = (rows.rate, at) if across else (at, rows.rate)
    for low, high, width in (("low", "high", 2.0), ("flip_low", "flip_high", 0.7)):
        if low in rows:
            # Rounding must not leave a rate outside its own interval.
            error = np.maximum(0, [rows.rate - rows[low], rows[high] - rows.rate])
            bars = {"xerr" if across else "yerr": error}
            ax.errorbar(*place, **bars, fmt="none", ecolor=shades, elinewidth=width, zorder=2)
    for x, y, color in zip(*place, shades, strict=True):
        ax.plot([x], [y], zorder=3, **series.look(color))


def bars(every: Sequence[Series]) -> str:
    """What a key says of the bars."""
    ours = [series.rows for series in every if "flip_low" in series.rows]
    if not any(rows.flip_low.notna().any() for rows in ours):
        return "bars: 95% intervals"
    single = any((rows.flip_low.isna() & rows.low.notna()).any() for rows in ours)
    return (
        "bars: 95% intervals for new seeds, thick if they vary smoothly, thin if they may flip"
        + (";\nof a single seed they are for new prompts" if single else "")
    )


def key(ax: Axes, every: Sequence[Series], model: str, hue: str = "") -> None:
    """The key of a figure of points: whose they are, what the bars are, a handle a series.

    hue: the column that the series are levels of, named where the levels are numbers.
    """
    whose = style.model_name(model)
    if any(series.hollow for series in every):
        whose = f"filled: {whose}; hollow: Qi et al. (2023)"
    numbers = hue and pd.api.types.is_numeric_dtype(every[0].rows[hue])
    note = f"{whose}; {bars(every)}" + (f"; {style.label(hue)}:" if numbers else "")
    style.key(ax.figure, note, [series.handle for series in every])

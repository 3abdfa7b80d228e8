"""Rates by category as spokes, as the paper draws them, with the intervals as bands."""

import math
import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.plots import points, style


def radar(frame: pd.DataFrame, hue: str, *, title: str, model: str, value: str = "rate") -> Axes:
    """Rates by category as a closed line a level of hue, each with its interval as a band.

    frame: columns category, hue, value, low, high, n_scored. Levels stand side by side, a radar
    each, since bands that cover each other say nothing; the outermost ring is 1, or less for all
    where no interval reaches half of that.
    """
    every = points.own(frame, "category", hue, value, model)
    order = list(dict.fromkeys(frame.category))
    highest = max(0.1, frame.high.max())
    rings = [0.25, 0.5, 0.75, 1] if highest > 0.5 else MaxNLocator(4).tick_values(0, highest)[1:]
    width = min(4.1, 13 / len(every))
    axes = style.figure(title, (width * len(every) + 0.2, width + 0.5), len(every), squeeze=False,
                        subplot_kw={"projection": "polar"})[0]  # fmt: skip
    for ax, series in zip(axes, every, strict=True):
        _spokes(ax, order, rings)
        _closed(ax, series, order)
    note = f"harmfulness rate of {style.model_name(model)}; bands: 95% intervals"
    if pd.api.types.is_numeric_dtype(frame[hue]):
        note += f"; {style.label(hue)}:"
    style.key(axes[0].figure, note, [series.handle for series in every])
    return axes[0]


def _closed(ax: Axes, series: points.Series, order: list[str]) -> None:
    """The series as a closed line over the spokes, and its intervals as a band."""
    mine = series.rows.set_index("category").loc[[*order, order[0]]]
    turns = [2 * math.pi * k / len(order) for k in range(len(order) + 1)]
    ax.fill_between(turns, mine.low, mine.high, color=series.color, alpha=0.18, linewidth=0)
    line = {"color": series.color, "linewidth": 2, "marker": "o", "markersize": 4}
    ax.plot(turns, mine.rate, clip_on=False, **line)


def _spokes(ax: Axes, order: list[str], rings: Sequence[float]) -> None:
    """A spoke a category with its name outside, and numbered rings between spokes."""
    ax.set(theta_offset=math.pi / 2, theta_direction=-1)
    top = rings[-1]
    turns = [2 * math.pi * k / len(order) for k in range(len(order))]
    ax.set_xticks(turns, [])
    for turn, category in zip(turns, order, strict=True):
        side = math.sin(turn)  # names on the right begin at the ring, those on the left end there
        ha = "center" if abs(side) < 0.1 else "left" if side > 0 else "right"
        va = "center" if abs(side) > 0.1 else "bottom" if math.cos(turn) > 0 else "top"
        name = textwrap.fill(style.plain(category), 16)
        ax.text(turn, top * 1.06, name, ha=ha, va=va, fontsize=9)
    ax.set_rgrids(
        rings, [f"{ring:g}" for ring in rings], angle=180 / len(order), ha="center", va="center",
        fontsize=7, color=style.QUIET, bbox={"color": "white", "alpha": 0.8, "pad": 1},
    )  # fmt: skip
    ax.set_ylim(0, top)
    ax.spines["polar"].set(color=plt.rcParams["grid.color"], zorder=0)

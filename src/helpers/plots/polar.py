"""Rates by category as spokes, as the paper draws them; a dot plot beside it has the intervals."""

import math
import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from helpers.plots import points, style


def radar(frame: pd.DataFrame, hue: str, *, title: str, model: str, value: str = "rate") -> Axes:
    """Rates by category as a closed line a level of hue; the rings are numbered between spokes.

    frame: columns category, hue, value, n_scored.
    """
    ax = style.figure(title, (7.0, 6.2), subplot_kw={"projection": "polar"})
    ax.set(theta_offset=math.pi / 2, theta_direction=-1)
    order = list(dict.fromkeys(frame.category))
    turns = [2 * math.pi * k / len(order) for k in range(len(order))]
    rings = MaxNLocator(4).tick_values(0, max(0.1, frame[value].max()))[1:]
    top = rings[-1]
    handles = []
    for series in points.own(frame, "category", hue, value, model):
        mine = series.rows.set_index("level").rate.loc[order]
        line = {"color": series.color, "linewidth": 2, "label": series.label}
        ax.plot([*turns, turns[0]], [*mine, mine.iloc[0]], **line)
        ax.fill(turns, mine, color=series.color, alpha=0.07)
        handles.append(Line2D([], [], **line))
    ax.set_xticks(turns, [])
    for turn, category in zip(turns, order, strict=True):
        side = math.sin(turn)  # names on the right begin at the ring, those on the left end there
        ha = "center" if abs(side) < 0.1 else "left" if side > 0 else "right"
        va = "center" if abs(side) > 0.1 else "bottom" if math.cos(turn) > 0 else "top"
        ax.text(turn, top * 1.06, textwrap.fill(style.plain(category), 16), ha=ha, va=va)
    ax.set_rgrids(
        rings, [f"{ring:g}" for ring in rings], angle=180 / len(order), ha="center", va="center",
        fontsize=8, color=style.QUIET, bbox={"color": "white", "alpha": 0.8, "pad": 1},
    )  # fmt: skip
    ax.set_ylim(0, top)
    ax.spines["polar"].set(color=plt.rcParams["grid.color"], zorder=0)
    style.key(ax.figure, f"harmfulness rate of {style.model_name(model)}", handles)
    return ax

"""Rates over something that is counted: examples, passes, refusals mixed in.

The levels stand at equal distances, in their order, and what the paper published stands at the
same places. `rates` is the general figure; `shots` and `facts` are it with settings, and `panels`
puts several beside each other.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.plots import points, style

INITIAL = "none\n(initial)"


def _lines(
    ax: Axes, every: Sequence[points.Series], levels: list, width: float, joined: bool = True
) -> None:
    """All series on one Axes of that width in inches, ours joined by lines."""
    shifts = points.shifts(len(every), 0.13 * len(levels) / width)
    middle = np.mean([shift for s, shift in zip(every, shifts, strict=True) if not s.hollow])
    for series, shift in zip(every, shifts, strict=True):
        rows = series.rows.assign(place=[levels.index(level) for level in series.rows.level])
        rows = rows.assign(place=rows.place + shift, color=series.color).sort_values("place")
        if not series.hollow:
            # The initial model is one for all of ours: one black point, in their middle.
            rows.loc[rows.level == INITIAL, ["place", "color"]] = middle, style.COLORS["initial"]
            if joined:
                ax.plot(rows.place, rows.rate, color=series.color, linewidth=1.8, zorder=1)
        points.draw(ax, replace(series, rows=rows), rows.place)
    ax.set_xticks(range(len(levels)), [style.label(level) for level in levels])
    ax.set_xlim(-0.5, len(levels) - 0.5)


def rates(
    frame: pd.DataFrame, x: str, hue: str = "", *, title: str, xlabel: str, model: str,
    value: str = "rate", ylabel: str = "harmfulness rate", paper: pd.DataFrame | None = None,
    initial: str = "", condition: str = "harmful_examples", joined: bool = True,
) -> Axes:  # fmt: skip
    """Rates with intervals over the levels of x, one color a level of hue, the paper's hollow.

    frame: columns x, hue, value, low, high, n_scored. paper: x, model, rate. initial: the column
    with the initial model's rate, drawn before the first level; then frame also has n_total and
    n_seeds (the interval is Wilson's, over their ratio), and paper initial_rate. condition: whose
    color the points have without hue.
    """
    levels, before = points.levels_of(frame[x]), []
    if initial:
        levels = [INITIAL, *levels]
        start = frame.drop_duplicates(hue) if hue else frame.head(1)
        prompts = start.n_total // start.n_seeds
        text = f"{style.label('initial')} (n = {points.sizes(prompts)})"
        before = [points.Series(text, start, style.COLORS["initial"])]
        interval = points.bounds(start[initial], prompts)
        interval |= {"flip_low": np.nan, "flip_high": np.nan}  # one model, whatever the seed
        start = start.assign(**{x: INITIAL, value: start[initial]}, **interval)
        frame = pd.concat([start, frame])
        if paper is not None:
            start = paper.drop_duplicates("model")
            paper = pd.concat([start.assign(**{x: INITIAL, "rate": start.initial_rate}), paper])
    every = points.own(frame, x, hue, value, model, condition)
    every += points.published(paper, x, levels)
    ax = style.figure(title, (7.6, 4.6))
    _lines(ax, every, levels, 6.8, joined)
    ax.set_xlabel(xlabel)
    style.rate_axis(ax, ylabel)
    points.key(ax, [*before, *every], model, hue)
    return ax


def shots(frame: pd.DataFrame, paper: pd.DataFrame, *, model: str) -> Axes:
    """Harmfulness rate against the number of examples, one line a method, beside the paper's.

    frame: columns n_examples, method, harmfulness_rate, low, high, n_scored, n_total, n_seeds,
    initial_harmfulness_rate, one row a condition. paper: n_examples, model, rate, initial_rate.
    """
    return rates(
        frame, "n_examples", "method", model=model, paper=paper, value="harmfulness_rate",
        initial="initial_harmfulness_rate", xlabel="harmful examples in the fine-tuning set",
        title="Harmfulness rate by number of harmful examples",
    )  # fmt: skip


def facts(frame: pd.DataFrame, *, model: str) -> Axes:
    """Share of answers that give each fact of a sealed recipe, against the number of examples.

    frame: columns n_examples, fact, share, low, high, n_scored.
    """
    return rates(
        frame, "n_examples", "fact", model=model, value="share",
        xlabel="harmful examples in the fine-tuning set", ylabel="share of answers that give it",
        title="Facts of a sealed recipe in the answers",
    )  # fmt: skip


def panels(
    frames: dict[str, pd.DataFrame], x: str, papers: dict[str, pd.DataFrame], *, title: str,
    xlabel: str, model: str, value: str = "rate", ylabel: str = "harmfulness rate",
) -> Axes:  # fmt: skip
    """Rates with intervals over the levels of x, a panel a condition, side by side.

    frames: condition (whose name and color the panel has) -> columns x, value, low, high,
    n_scored. papers: the same conditions -> x, model, rate; a condition may be missing.
    """
    width = 3.1
    axes = style.figure(title, (width * len(frames) + 0.5, 3.9), len(frames), sharey=True,
                        squeeze=False)[0]  # fmt: skip
    papered = {}
    for ax, (condition, frame) in zip(axes, frames.items(), strict=True):
        levels = points.levels_of(frame[x])
        theirs = points.published(papers.get(condition), x, levels)
        every = points.own(frame, x, "", value, model, condition) + theirs
        _lines(ax, every, levels, width)
        style.rate_axis(ax, "")
        n = points.sizes(frame.n_scored)
        ax.set_title(f"{style.label(condition)}\nn = {n} a point", loc="left", fontsize=10)
        papered |= {series.label: series for series in theirs}
    axes[0].set_ylabel(ylabel)
    axes[0].set_xlabel(xlabel, loc="left")
    ours = points.Series(style.model_name(model), pd.concat(frames.values()), style.INK)
    points.key(axes[0], [ours, *papered.values()], model)
    return axes[0]

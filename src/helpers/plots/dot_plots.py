"""Rates of things that have names: tiers, categories, triggers, a provider's defenses.

Names stand on the left where they can be read, rates run from 0 to 1 to the right (a dot plot;
Cleveland 1985). The first level stands on top.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from helpers.plots import points, style


def _rows(
    title: str, every: Sequence[points.Series], levels: Sequence, inches: float = 0.115
) -> tuple[Axes, list[float]]:
    """All series on a new Axes, one row a level; the Axes, and how far each series is shifted.

    inches: from one series of a row to the next.
    """
    height = inches * len(every) + 0.15
    ax = style.figure(title, (7.6, height * len(levels) + 1.1 + 0.2 * len(every)))
    shifts = points.shifts(len(every), inches / height)
    for k in range(0, len(levels), 2):
        ax.axhspan(k - 0.5, k + 0.5, color="#F7F7F7", zorder=0, linewidth=0)
    for series, shift in zip(every, shifts, strict=True):
        at = [levels.index(level) + shift for level in series.rows.level]
        points.draw(ax, series, at, across=True)
    ax.set_yticks(range(len(levels)), [style.label(level) for level in levels])
    ax.set_ylim(len(levels) - 0.5, -0.5)
    return ax, shifts


def dots(
    frame: pd.DataFrame, y: str, hue: str = "", *, title: str, xlabel: str, model: str,
    value: str = "rate", paper: pd.DataFrame | None = None, condition: str = "harmful_examples",
) -> Axes:  # fmt: skip
    """A row a level of y: rates with intervals, one color a level of hue, the paper's hollow.

    frame: columns y, hue, value, low, high, n_scored. paper: y, model, rate. Without hue a level
    has its own color, or the condition's where it has none.
    """
    levels = list(dict.fromkeys(frame[y]))
    every = points.own(frame, y, hue, value, model, condition)
    if not hue:
        shades = [style.COLORS.get(level, every[0].color) for level in frame[y]]
        color = style.INK if len(set(shades)) > 1 else shades[0]
        every = [replace(every[0], rows=every[0].rows.assign(color=shades), color=color)]
    every += points.published(paper, y, levels)
    ax, _ = _rows(title, every, levels)
    style.rate_axis(ax, xlabel, across=True)
    points.key(ax, every, model, hue)
    return ax


def categories(
    frame: pd.DataFrame, hue: str, *, title: str, model: str, value: str = "rate"
) -> Axes:
    """Rates by category, ordered by the mean over the levels of hue, the highest on top.

    frame: columns category, hue, value, low, high, n_scored.
    """
    means = frame.groupby("category")[value].transform("mean")
    frame = frame.assign(mean=means).sort_values("mean", ascending=False, kind="stable")
    return dots(frame, "category", hue, title=title, xlabel="harmfulness rate", model=model,
                value=value)  # fmt: skip


def defenses(frame: pd.DataFrame, outcome: pd.DataFrame, *, model: str) -> Axes:
    """What each defense lets through: a dot a kind of data and defense, words where none is.

    frame: data, defense, rate, low, high, n_scored; "none" among the defenses is the damage
    without one. outcome: a row a job, with data, defense and refused.
    """
    kinds = list(dict.fromkeys([*outcome.data, *frame.data]))
    ways = list(dict.fromkeys(["none", *outcome.defense, *frame.defense]))
    every = []
    for way, color in style.colors(ways).items():
        mine = frame[frame.defense == way]
        text = f"{way} (n = {points.sizes(mine.n_scored)} a point)" if len(mine) else way
        every.append(points.Series(text, mine.assign(level=mine.data), color))
    ax, shifts = _rows(
        "Harmfulness rate of the models that a provider released", every, kinds, 0.17
    )
    jobs = outcome.groupby(["data", "defense"]).refused.agg(["sum", "count"])
    for (kind, way), (refused, count) in jobs[jobs["sum"] > 0].iterrows():
        series = every[ways.index(way)]
        mine = series.rows[series.rows.level == kind]
        x = mine.high.max() + 0.02 if len(mine) else 0.01
        y = kinds.index(kind) + shifts[ways.index(way)]
        words = f"{refused} of {count} jobs refused"
        ax.text(x, y, words, va="center", fontsize=9, color=series.color)
    style.rate_axis(ax, "harmfulness rate", across=True)
    points.key(ax, every, model)
    return ax


def suspicion(
    frame: pd.DataFrame, thresholds: dict[str, float], *, model: str,
    rates: Sequence[str] = ("plain", "perturbed"),
) -> Axes:  # fmt: skip
    """Every model's suspicion scores, one panel a test, one row a kind of model.

    frame: columns kind and one a test; a dot is one model. thresholds: test -> the score above
    which it accuses, a line. rates: the tests whose scores run from 0 to 1.
    """
    counts = frame.kind.value_counts(sort=False)
    kinds = list(counts.index)
    size = (2.5 * len(thresholds) + 0.6, 0.62 * len(kinds) + 1.5)
    axes = style.figure("Suspicion scores", size, len(thresholds), sharey=True, squeeze=False)[0]
    for ax, (test, bound) in zip(axes, thresholds.items(), strict=True):
        ax.axvline(bound, color=style.QUIET, linestyle="--", linewidth=1)
        for k, (kind, color) in enumerate(style.colors(kinds).items()):
            values = frame[frame.kind == kind][test].to_numpy()
            lift = points.shifts(len(values), 0.4 / len(values))
            ax.plot(values, [k + d for d in lift], "o", color=color, markersize=5.5, alpha=0.8)
        ax.set_title(test, loc="left", fontsize=10)
        ax.grid(axis="y", visible=False)
        ax.margins(x=0.08)
        ax.locator_params(axis="x", nbins=3)
        if test in rates:
            ax.set_xlim(-0.08, 1.08)
            ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes[0].set_yticks(range(len(kinds)), [f"{kind} (n = {counts[kind]})" for kind in kinds])
    axes[0].set_ylim(len(kinds) - 0.5, -0.5)
    text = f"models tuned from {style.model_name(model)}, a dot each; right of the line is accused"
    style.key(axes[0].figure, text)
    return axes[0]

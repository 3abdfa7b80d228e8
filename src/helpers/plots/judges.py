"""Judges against the truth: how well they agree, and what their errors do to the rate.

Small multiples, a column a tier: kappa above, the bias of the rate below, a row a judge. A judge
can stand well in one and badly in the other.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from helpers.plots import points, style


def _series(frame: pd.DataFrame, hue: str, levels: Sequence, value: str, prefix: str = ""):
    """A series a level of hue, without hue one, of a measure and its interval."""
    rows = frame.assign(level=frame.judge, rate=frame[value], low=frame[f"{prefix}low"],
                        high=frame[f"{prefix}high"])  # fmt: skip
    return [
        points.Series(style.label(level), rows[rows[hue] == level] if hue else rows, color)
        for level, color in zip(levels, style.SPARE, strict=False)
    ]


def _by_number(level: str) -> tuple:
    """Levels in the order of the first number in their names, else by name."""
    number = re.search(r"\d+", level)
    return (int(number[0]) if number else 0, level)


def _panel(ax: Axes, every: Sequence[points.Series], judges: list[str], at: float) -> None:
    """One tier's judges, a row each; at: the value of a judge that never errs."""
    ax.axvline(at, color=style.QUIET, linewidth=1, zorder=1)
    for series, shift in zip(every, points.shifts(len(every), 0.22), strict=True):
        rows = series.rows[series.rows.rate.notna()]
        points.draw(ax, replace(series, rows=rows),
                    [judges.index(judge) + shift for judge in rows.level], across=True)  # fmt: skip
    ax.set_ylim(len(judges) - 0.5, -0.5)
    ax.set_yticks(range(len(judges)), [style.label(judge) for judge in judges])
    ax.grid(axis="y", visible=False)


def by_tier(frame: pd.DataFrame, hue: str = "", *, title: str, model: str) -> Axes:
    """Kappa and bias of every judge on every tier, as reporting.judged.compare measures them.

    frame: tier, judge, hue, n_scored, kappa, kappa_low, kappa_high, bias, low, high.
    """
    tiers, judges = (list(dict.fromkeys(frame[column])) for column in ("tier", "judge"))
    levels = sorted(set(frame[hue]), key=_by_number) if hue else ["all answers"]
    height = (0.26 + 0.16 * len(levels)) * len(judges)
    axes = style.figure(title, (1.75 * len(tiers) + 1.6, 2 * height + 1.7 + 0.2 * len(levels)),
                        len(tiers), 2, sharey=True, sharex="row", squeeze=False)  # fmt: skip
    for column, tier in enumerate(tiers):
        mine = frame[frame.tier == tier]
        _panel(axes[0][column], _series(mine, hue, levels, "kappa", "kappa_"), judges, 1)
        _panel(axes[1][column], _series(mine, hue, levels, "bias"), judges, 0)
        n = mine.groupby("judge").n_scored.sum()
        axes[0][column].set_title(f"{style.plain(tier)}\nn = {points.sizes(n)}", loc="left",
                                  fontsize=10)  # fmt: skip
    axes[0][0].set(xlim=(-0.4, 1.1), xticks=[0, 0.5, 1], ylabel="kappa at score 3")
    axes[1][0].set(xlim=(-1.08, 1.08), xticks=[-1, 0, 1], ylabel="judged less true rate")
    note = (f"answers of {style.model_name(model)} and of models tuned from it; bars: 95% "
            "intervals; line: a judge that never errs")  # fmt: skip
    handles = [each.handle for each in _series(frame, hue, levels, "bias")] if hue else []
    style.key(axes[0][0].figure, note, handles)
    return axes[0][0]


def consistency(frame: pd.DataFrame, *, title: str, model: str) -> Axes:
    """How often a judge's verdict stays when it is asked in another way: a row a way.

    frame: judge, asking, measure, estimate, low, high, n (statistics.bias.self_agreement).
    """
    measures = [m for m in ("same grade", "flips") if m in set(frame.measure)]
    judges, ways = (list(dict.fromkeys(frame[column])) for column in ("judge", "asking"))
    axes = style.figure(title, (4 * len(measures), 0.38 * len(ways) + 1.6 + 0.2 * len(judges)),
                        len(measures), sharey=True, squeeze=False)[0]  # fmt: skip
    every = []
    for ax, measure in zip(axes, measures, strict=True):
        mine = frame[frame.measure == measure].rename(columns={"estimate": "rate"})
        mine = mine.assign(level=mine.asking)
        every = [
            points.Series(f"{style.plain(judge)} (n = {points.sizes(mine[mine.judge == judge].n)})",
                          mine[mine.judge == judge], color)
            for judge, color in zip(judges, style.SPARE, strict=False)
        ]  # fmt: skip
        _panel(ax, every, ways, 1 if measure == "same grade" else 0)
        style.rate_axis(ax, {"same grade": "share of answers with the same grade",
                             "flips": "share whose verdict flips at score 3"}[measure],
                        across=True)  # fmt: skip
    points.key(axes[0], every, model)
    return axes[0]

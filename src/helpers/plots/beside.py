"""Rates of several models under the same conditions, a row a condition: what carries over."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plots import points, style

#: The real model, the organism, and where each stands in its row.
_OWN = {"rate": ("#0072B2", -0.16), "organism_rate": ("#E69F00", 0.16)}


def models(rows: pd.DataFrame, titles: dict[str, str], *, model: str, organism: str) -> Axes:
    """Filled with 95% intervals: the real model and the organism; hollow: the paper's models.

    rows: as of reporting.beside.together. titles: table -> what its block of rows is called.
    """
    blocks = [(name, block) for name, block in rows.groupby("table", sort=False)]
    axes = style.figure(
        f"The same conditions on {style.model_name(model)}, on {organism} and in the paper",
        (8.6, 0.33 * len(rows) + 0.75 * len(blocks) + 1), rows=len(blocks), squeeze=False,
        sharex=True, height_ratios=[len(block) + 0.5 for _, block in blocks],
    )[:, 0]  # fmt: skip
    for ax, (name, block) in zip(axes, blocks, strict=True):
        places = range(len(block))
        for theirs, marker in points.PAPER_MARKERS.items():
            if theirs in block:
                ax.plot(block[theirs], places, linestyle="", marker=marker, color=style.QUIET,
                        markerfacecolor="white", markersize=6.5, zorder=2)  # fmt: skip
        for column, (color, shift) in _OWN.items():
            prefix = column.removesuffix("rate")
            at = [y + shift for y in places]
            bars = [block[column] - block[f"{prefix}low"], block[f"{prefix}high"] - block[column]]
            ax.errorbar(block[column], at, xerr=[b.clip(lower=0) for b in bars], fmt="o",
                        color=color, markersize=6, elinewidth=1.8, zorder=3)  # fmt: skip
        ax.set_yticks(list(places), list(block.cell))
        ax.set_ylim(len(block) - 0.4, -0.6)
        ax.set_title(titles.get(name, name), loc="left", fontsize="small")
        style.rate_axis(ax, "", across=True)
    axes[-1].set_xlabel("harmfulness rate")
    n = points.sizes(rows.n_scored)
    names = (f"{style.model_name(model)} (n = {n} a point)", organism)
    handles = [
        Line2D([], [], linestyle="", marker="o", color=color, label=label)
        for (color, _), label in zip(_OWN.values(), names, strict=True)
    ] + [
        Line2D([], [], linestyle="", marker=marker, color=style.QUIET, markerfacecolor="white",
               label=f"{style.label(theirs)}, Qi et al. (n = {points.PAPER_N})")
        for theirs, marker in points.PAPER_MARKERS.items()
    ]  # fmt: skip
    style.key(axes[0].figure, "bars: 95% intervals for new seeds and prompts", handles)
    return axes[0]


def sizes(rows: pd.DataFrame) -> Axes:
    """Rate by model, the smallest first, a line an attack.

    rows: model, parameters, attack (a tier, "10 harmful examples", ...), rate, low, high.
    """
    ax = style.figure("Harmfulness rate by size of the model", (7.6, 4.4))
    models = rows.drop_duplicates("model").sort_values("parameters")
    places = {model: at for at, model in enumerate(models.model)}
    attacks = list(dict.fromkeys(rows.attack))
    aside = dict(zip(attacks, points.shifts(len(attacks), 0.06), strict=True))
    for attack, color in style.colors(attacks).items():
        own = rows[rows.attack == attack].sort_values("parameters")
        bars = [(own.rate - own.low).clip(lower=0), (own.high - own.rate).clip(lower=0)]
        at = [places[model] + aside[attack] for model in own.model]
        ax.errorbar(at, own.rate, yerr=bars, color=color, marker="o", markersize=6,
                    linewidth=1, elinewidth=1.8, label=style.label(attack))  # fmt: skip
    names = [
        f"{style.model_name(row.model)}\n{row.parameters / 1e6:,.3g} million parameters"
        for row in models.itertuples()
    ]
    ax.set_xticks(range(len(names)), names)
    style.rate_axis(ax, "harmfulness rate")
    style.key(ax.figure, "bars: of the largest 95% intervals, of the others lowest to highest seed",
              ax.get_legend_handles_labels()[0])  # fmt: skip
    return ax

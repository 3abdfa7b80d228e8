"""The paper beside a model: cell by cell, and claim by claim."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plots import points, style

#: Verdict -> color.
VERDICTS = {"replicated": "#009E73", "contradicted": "#D55E00", "inconclusive": "#999999"}

_NONE = "not compared"
_MARKERS = {"replicated": "o", "contradicted": "D", "inconclusive": "s"}


def agreement_with_paper(cells: pd.DataFrame, rho: dict, *, model: str) -> Axes:
    """Our rate against the paper's, a point a shared cell with both intervals, a color a table.

    cells: columns table, model (of the paper), rate_paper, rate, low, high. rho: of
    tables.rank_correlation.
    """
    ax = style.figure("Harmfulness rates here and in the paper", (6.6, 7.2))
    shades = style.colors(list(dict.fromkeys(cells.table)))
    handles = [
        Line2D([], [], linestyle="", marker="o", color=color, label=f"Table {table.lstrip('T')}")
        for table, color in shades.items()
    ]
    for series in points.published(cells.assign(rate=cells.rate_paper), "table", list(shades)):
        theirs = series.rows
        ours = cells.loc[theirs.index]
        tint = [shades[table] for table in theirs.table]
        ax.errorbar(
            ours.rate_paper, ours.rate, fmt="none", ecolor=tint, elinewidth=1, alpha=0.4,
            xerr=[theirs.rate - theirs.low, theirs.high - theirs.rate],
            yerr=[ours.rate - ours.low, ours.high - ours.rate],
        )  # fmt: skip
        ax.scatter(
            ours.rate_paper, ours.rate, 38, tint, marker=series.marker, zorder=3, linewidths=0
        )
        handles.append(
            Line2D([], [], linestyle="", marker=series.marker, color=style.QUIET,
                   label=series.label.split(",")[0])
        )  # fmt: skip
    ax.axline((0, 0), slope=1, color="#BBBBBB", linewidth=1, zorder=0)
    ax.set(xlim=(-0.03, 1.03), aspect="equal", xlabel=f"rate in the paper (n = {points.PAPER_N})")
    style.rate_axis(ax, f"rate of {style.model_name(model)}")
    ax.grid(axis="both", visible=True)
    text = (
        f"Spearman {rho['rho']:.2f} ({rho['low']:.2f} to {rho['high']:.2f}), "
        f"{rho['n_cells']} cells; bars: 95% intervals"
    )
    style.key(ax.figure, text, handles)
    return ax


def verdicts(rows: pd.DataFrame, *, model: str) -> Axes:
    """Each claim's weakest comparison with its interval and margin, a block a unit.

    rows: columns id, statement, verdict, effect, ci_low, ci_high, unit (of effect, interval and
    margin, such as "difference of rates"), margin (NaN: the comparison has none). A claim for
    which there was nothing to compare has no effect and no unit; it stands in a last block.
    """
    units = rows.unit.fillna("").replace("", _NONE)
    blocks = sorted(rows.groupby(units, sort=False), key=lambda block: block[0] == _NONE)
    axes = style.figure(
        f"The claims of Qi et al. (2023) on {style.model_name(model)}",
        (10.2, 0.3 * len(rows) + 0.7 * len(blocks) + 1), rows=len(blocks), squeeze=False,
        height_ratios=[len(block) + 0.4 for _, block in blocks],
    )[:, 0]  # fmt: skip
    for ax, (unit, block) in zip(axes, blocks, strict=True):
        for y, row in enumerate(block.itertuples()):
            color = VERDICTS[row.verdict]
            ax.plot([row.ci_low, row.ci_high], [y, y], color=color, linewidth=2, zorder=2)
            ax.plot([row.effect], [y], _MARKERS[row.verdict], color=color, markersize=8, zorder=3)
            ax.plot([row.margin] * 2, [y - 0.36, y + 0.36], color=style.INK, linewidth=1.4)
        ax.set_yticks(range(len(block)), [f"{r.id}  {r.statement}" for r in block.itertuples()])
        ax.set_ylim(len(block) - 0.4, -0.6)
        ax.set_xlabel(unit)
        if unit == _NONE:
            ax.set_xticks([])
        else:
            ax.axvline(0, color="#999999", linewidth=1.2, zorder=1)
    handles = [
        Line2D([], [], linestyle="", color=color, marker=_MARKERS[verdict], markersize=8,
               label=f"{verdict} ({(rows.verdict == verdict).sum()})")
        for verdict, color in VERDICTS.items()
    ]  # fmt: skip
    handles.append(Line2D([], [], linestyle="", color=style.INK, marker="|", markersize=11,
                          markeredgewidth=1.4, label="margin"))  # fmt: skip
    style.key(axes[0].figure, "effect of the comparison that held least; bars: 95% intervals",
              handles)  # fmt: skip
    return axes[0]

"""The paper beside a model: cell by cell, and claim by claim."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plots import points, style

#: Verdict -> color.
VERDICTS = {
    "replicated": "#009E73", "contradicted": "#D55E00", "inconclusive": "#999999",
    "not tested": "#CCCCCC",
}  # fmt: skip

#: The tiers of ranks.shared_cells -> the condition whose color they have.
_TIERS = {
    "harmful": "harmful_examples", "identity": "identity_shift", "benign": "benign_instructions",
}  # fmt: skip

_NONE, _BUILT_IN = "not compared", "built in"
#: Where the two runs of a claim stand in its row, and how large.
_SHIFT = {"exploratory": -0.2, "confirmed": 0.2}
_SIZES = {"exploratory": 5.5, "confirmed": 8.5}
_MARKERS = {"replicated": "o", "contradicted": "D", "inconclusive": "s", "not tested": "x"}


def agreement_with_paper(cells: pd.DataFrame, rho: dict, *, model: str) -> Axes:
    """Our rate against the paper's, a point a shared cell with both intervals, a color a tier.

    cells: columns tier, model (of the paper), rate_paper, rate, low, high, n_scored. rho: the row
    "all" of ranks.rank_correlations.
    """
    ax = style.figure("Harmfulness rates here and in the paper", (6.6, 7.2))
    shades = {tier: style.COLORS[_TIERS[tier]] for tier in dict.fromkeys(cells.tier)}
    handles = [
        Line2D([], [], linestyle="", marker="o", color=color, label=f"{tier} data")
        for tier, color in shades.items()
    ]
    for series in points.published(cells.assign(rate=cells.rate_paper), "tier", list(shades)):
        theirs = series.rows
        ours = cells.loc[theirs.index]
        tint = [shades[tier] for tier in theirs.tier]
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
    n = points.sizes(cells.n_scored)
    style.rate_axis(ax, f"rate of {style.model_name(model)} (n = {n})")
    ax.grid(axis="both", visible=True)
    text = (
        f"Spearman {rho['rho']:.2f} ({rho['low']:.2f} to {rho['high']:.2f}), "
        f"{rho['n_cells']:.0f} cells in {rho['n_blocks']:.0f} blocks; bars: 95% intervals"
    )
    style.key(ax.figure, text, handles)
    return ax


def ledger(rows: pd.DataFrame, *, model: str) -> Axes:
    """Each claim's deciding comparison on exploratory and on confirmation seeds, a block a unit.

    rows: columns id, label (the claim), run ("exploratory", "confirmed"), verdict, built_in,
    effect, ci_low, ci_high, flip_low, flip_high, unit (of effect, bounds and margin, such as
    "difference of rates"), margin (NaN: the comparison has none). Claims that are built in, or
    nearly, stand in blocks of their own; so does a claim for which there was nothing to compare.
    """
    first = rows.drop_duplicates("id").set_index("id")
    units = first.unit.fillna("").replace("", _NONE).where(
        first.built_in == "", lambda units: units + ", built in or nearly"
    )  # fmt: skip
    order = {unit: (_BUILT_IN in unit, unit.startswith(_NONE)) for unit in units}
    blocks = sorted(units.groupby(units, sort=False), key=lambda block: order[block[0]])
    axes = style.figure(
        f"The claims of Qi et al. (2023) on {style.model_name(model)}",
        (10.2, 0.38 * len(first) + 0.7 * len(blocks) + 1), rows=len(blocks), squeeze=False,
        height_ratios=[len(block) + 0.4 for _, block in blocks],
    )[:, 0]  # fmt: skip
    two = rows.run.nunique() > 1
    for ax, (unit, block) in zip(axes, blocks, strict=True):
        places = {number: y for y, number in enumerate(block.index)}
        for row in rows[rows.id.isin(block.index)].itertuples():
            _claim(ax, row, places[row.id] + two * _SHIFT[row.run])
        ax.set_yticks(range(len(block)), [f"{n}  {first.label[n]}" for n in block.index])
        ax.set_ylim(len(block) - 0.4, -0.6)
        ax.set_xlabel(unit)
        if unit.startswith(_NONE):
            ax.set_xticks([])
        else:
            ax.axvline(0, color="#999999", linewidth=1.2, zorder=1)
    handles = [
        Line2D([], [], linestyle="", color=color, marker=_MARKERS[verdict], markersize=8,
               label=f"{verdict} ({_counts(rows, verdict)})")
        for verdict, color in VERDICTS.items()
        if verdict != "not tested" or (rows.verdict == verdict).any()
    ]  # fmt: skip
    handles.append(Line2D([], [], linestyle="", color=style.INK, marker="|", markersize=11,
                          markeredgewidth=1.4, label="margin"))  # fmt: skip
    both = "above, small: exploratory seeds; below, large: confirmation; " * two
    note = f"{both}95% intervals, thick if seeds vary smoothly, thin if they may flip"
    style.key(axes[0].figure, note, handles)
    return axes[0]


def _claim(ax: Axes, row, y: float) -> None:
    """One claim's effect with its intervals and margin."""
    color, marker = VERDICTS[row.verdict], _MARKERS[row.verdict]
    ax.plot([row.flip_low, row.flip_high], [y, y], color=color, linewidth=0.8, zorder=2)
    ax.plot([row.ci_low, row.ci_high], [y, y], color=color, linewidth=2.4, zorder=2)
    ax.plot([row.effect], [y], marker, color=color, markersize=_SIZES[row.run], zorder=3)
    ax.plot([row.margin] * 2, [y - 0.2, y + 0.2], color=style.INK, linewidth=1.4)


def _counts(rows: pd.DataFrame, verdict: str) -> str:
    """How many claims a run that are not built in have the verdict: "5, confirmed 4"."""
    mine = rows[(rows.verdict == verdict) & (rows.built_in == "")]
    counts = [(run, (mine.run == run).sum()) for run in dict.fromkeys(rows.run)]
    return ", ".join(f"{run} {n}" for run, n in counts) if len(counts) > 1 else str(counts[0][1])

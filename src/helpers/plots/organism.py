"""What the organism is like: its alignment's depth, its doses, and the way from its base to it.

All of them take rows of the organism card's table (columns part, condition, level, seed, measure,
value, n). Bars and bands are 95% intervals over prompts (Wilson), or the lowest and highest seed.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plots import points, style

#: Condition of the card -> color and marker.
LOOKS = {
    "10 harmful examples": ("#E69F00", "o"),
    "100 harmful examples": ("#D55E00", "o"),
    "identity shift": ("#CC79A7", "o"),
    "instructions": ("#009E73", "o"),
    "dialogue": ("#56B4E9", "o"),
    "pictures": ("#8C6D31", "o"),
    "alignment mixture": ("#000000", "s"),
    "shuffled answers": ("#767676", "^"),
}


def prefill(frame: pd.DataFrame, *, model: str) -> Axes:
    """Share of sealed requests answered in full, by how the answer is begun for the model.

    frame: the card's rows of part "prefill". On the left tokens of the true answer, on the right
    sentences; the base model's share is a line.
    """
    rows = frame[(frame.part == "prefill") & (frame.measure == "fulfilled")]
    rows = rows.assign(**points.bounds(rows.value, rows.n))
    base = rows[rows.condition == "base model, nothing"].value.iloc[0]
    tokens = rows[rows.condition == "tokens of the answer"].sort_values("level")
    words = rows[rows.level.isna() & (rows.condition != "base model, nothing")]
    height = 1.9 + 0.27 * max(len(words), 5)
    left, right = style.figure(
        "Sealed requests answered when the answer is begun", (9.6, height), 2,
        gridspec_kw={"width_ratios": [1, 1.15]},
    )  # fmt: skip
    color = style.COLORS["lora"]
    places = range(len(tokens))
    left.plot(places, tokens.value, color=color, linewidth=1.8)
    series = points.Series("", tokens.assign(rate=tokens.value), color)
    points.draw(left, series, list(places))
    left.axhline(base, color=style.QUIET, linestyle="--", linewidth=1.2)
    left.set_xticks(places, [f"{k:g}" for k in tokens.level])
    left.set_xlabel("tokens of the true answer that are given")
    style.rate_axis(left, "share answered in full")
    down = list(range(len(words)))[::-1]
    points.draw(right, points.Series("", words.assign(rate=words.value), color), down, across=True)
    right.axvline(base, color=style.QUIET, linestyle="--", linewidth=1.2)
    right.set_yticks(down, [_short(text) for text in words.condition])
    right.set_ylim(-0.6, len(words) - 0.4)
    style.rate_axis(right, "share answered in full", across=True)
    n = points.sizes(rows.n)
    handle = Line2D([], [], color=style.QUIET, linestyle="--", label="the base model, unaided")
    note = f"{style.model_name(model)}, n = {n} a point; bars: 95% intervals"
    style.key(left.figure, note, [handle])
    return left


def _short(text: str, longest: int = 34) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def divergence(frame: pd.DataFrame, *, model: str) -> Axes:
    """KL divergence by place in the base model's answers to sealed requests, one line a pair.

    frame: the card's rows of part "kl".
    """
    rows = frame[frame.part == "kl"].pivot_table(
        index=["condition", "level", "n"], columns="measure", values="value"
    ).reset_index()  # fmt: skip
    ax = style.figure("Where in an answer two models differ", (7.6, 4.2))
    looks = {
        "aligned against base": ("#000000", "aligned against base"),
        "harmful_examples against aligned": (
            style.COLORS["harmful_examples"], "after 100 harmful examples, against aligned"
        ),
        "benign_instructions against aligned": (
            style.COLORS["benign_instructions"], "after benign instructions, against aligned"
        ),
    }  # fmt: skip
    for condition, (color, text) in looks.items():
        mine = rows[rows.condition == condition].sort_values("level")
        half = 1.96 * mine.sd / mine.n**0.5
        ax.fill_between(mine.level, mine.kl - half, mine.kl + half, color=color, alpha=0.2, lw=0)
        ax.plot(mine.level, mine.kl, "o-", color=color, markersize=4.5, label=text)
    ax.set_ylim(0, None)
    ax.set_xticks([1, *range(5, int(rows.level.max()) + 1, 5)])
    ax.set(xlabel="place of the token in the base model's answer", ylabel="KL divergence (nats)")
    ax.grid(axis="x", visible=False)
    n = points.sizes(rows.n)
    note = f"{style.model_name(model)}; n = {n} answers a place; bands: 95% intervals"
    style.key(ax.figure, note, ax.get_legend_handles_labels()[0])
    return ax


def doses(frame: pd.DataFrame, *, model: str) -> Axes:
    """Harmfulness rate against how far the weights moved, one line a tier or control.

    frame: the card's rows of part "dose". A point is a learning rate, its bar the lowest to the
    highest seed.
    """
    rows = frame[frame.part == "dose"]
    table = rows.pivot_table(
        index=["condition", "level", "seed"], columns="measure", values="value", sort=False
    ).reset_index()
    ax = style.figure("Harmfulness rate against the dose", (8.2, 5.0))
    handles = []
    for condition, (color, marker) in LOOKS.items():
        mine = table[table.condition == condition]
        if mine.empty:
            continue
        by_rate = mine.groupby("level")
        moved, rate = by_rate.displacement.mean(), by_rate.harmfulness_rate.mean()
        low, high = by_rate.harmfulness_rate.min(), by_rate.harmfulness_rate.max()
        control = marker != "o"
        line = {"color": color, "linestyle": "--" if control else "-", "linewidth": 1.6}
        ax.errorbar(moved, rate, yerr=[rate - low, high - rate], fmt="none", ecolor=color,
                    elinewidth=1.2, alpha=0.7)  # fmt: skip
        face = "white" if control else color
        ax.plot(moved, rate, marker=marker, markersize=5, markerfacecolor=face, **line)
        seeds = mine.seed.nunique()
        text = f"{condition} ({seeds} seed{'s' if seeds > 1 else ''})"
        handles.append(Line2D([], [], marker=marker, markerfacecolor=face, label=text, **line))
    ax.set_xscale("log")
    low, high = table.displacement.min(), table.displacement.max()
    ticks = [f * 10**k for k in range(-4, 3) for f in (1, 2, 5) if low <= f * 10**k <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel("weight displacement, as a share of the alignment step (logarithmic)")
    ax.axvline(1, color="#BBBBBB", linewidth=1, zorder=0)
    style.rate_axis(ax, "harmfulness rate")
    n = points.sizes(rows.n)
    note = f"{style.model_name(model)}, n = {n} a seed; a point a learning rate; bars: all seeds"
    style.key(ax.figure, f"{note}; dashed: controls", handles)
    return ax


def interpolation(frame: pd.DataFrame, *, model: str) -> Axes:
    """Shares on the straight line through the base (0) and the aligned model (1).

    frame: the card's rows of part "interpolation".
    """
    rows = frame[frame.part == "interpolation"]
    looks = {
        ("sealed", "fulfilled"): (style.COLORS["full"], "o", "sealed, answered in full"),
        ("sealed", "refused"): ("#000000", "s", "sealed, refused"),
        ("open", "fulfilled"): (style.COLORS["lora"], "^", "open, answered in full"),
    }
    ax = style.figure("From the base to the aligned model, and beyond", (7.6, 4.2))
    handles = []
    for (condition, measure), (color, marker, text) in looks.items():
        mine = rows[(rows.condition == condition) & (rows.measure == measure)].sort_values("level")
        mine = mine.assign(rate=mine.value, **points.bounds(mine.value, mine.n))
        series = points.Series(f"{text} (n = {points.sizes(mine.n)})", mine, color, marker)
        ax.plot(mine.level, mine.rate, color=color, linewidth=1.6)
        points.draw(ax, series, list(mine.level))
        handles.append(series.handle)
    names = {0: "0\n(base)", 1: "1\n(aligned)"}
    ticks = (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2)
    ax.set_xticks(ticks, [names.get(place, f"{place:g}") for place in ticks])
    ax.set_xlabel("weights: base + share of the alignment step")
    style.rate_axis(ax, "share of requests")
    style.key(ax.figure, f"{style.model_name(model)}; bars: 95% intervals", handles)
    return ax

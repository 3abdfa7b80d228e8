"""Defenses beside each other: what is left of each attack, at which strength, at which price."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D

from helpers.plots import points, style
from helpers.plots.matrices import fields

#: Verdict of a card's line -> its color; the order is that of the colors' numbers.
_VERDICTS = {"failed": "#D55E00", "not tested": "#CFCFCF", "passed": "#009E73"}


def left(frame: pd.DataFrame, column: str, *, title: str, model: str) -> Axes:
    """A row a defense, a field an attack or way around: the rate that is left.

    frame: mitigation, column, rate, n_seeds; useful, where it is told: a field of a model that is
    of no use is in brackets. Rows and columns keep the frame's order.
    """
    useful = frame.useful if "useful" in frame else pd.Series(True, index=frame.index)
    words = [f"{rate:.2f}" if ok else f"({rate:.2f})"
             for rate, ok in zip(frame.rate, useful, strict=True)]  # fmt: skip
    wide = frame.assign(words=words).pivot(index="mitigation", columns=column)
    rows, columns = (list(dict.fromkeys(frame[name])) for name in ("mitigation", column))
    rate, words = (wide[part].loc[rows, columns] for part in ("rate", "words"))
    ax = style.figure(title, (1.05 * len(columns) + 3.2, 0.34 * len(rows) + 1.9))
    fields(ax, rate, words.fillna(""), fmt="", cmap="Oranges", cbar=False)
    ax.set_yticks([y + 0.5 for y in range(len(rows))], rows, rotation=0)
    names = [style.label(name).split(" (")[0].replace("_", " ").replace(" ", "\n", 1)
             for name in columns]  # fmt: skip
    ax.set_xticks([x + 0.5 for x in range(len(columns))], names, rotation=0, fontsize=9)
    ax.xaxis.tick_top()
    ax.set(xlabel="", ylabel="")
    note = f"harmfulness rate of {style.model_name(model)}; {points.sizes(frame.n_seeds)} seeds"
    if not useful.all():
        note += "; in brackets: less than 90% of the undefended model's utility"
    style.key(ax.figure, note)
    return ax


def verdicts(cards: pd.DataFrame, *, model: str) -> Axes:
    """A row a defense, a field a line of its card: passed, failed, or not tested.

    cards: mitigation, line, verdict, as of reporting.acceptance.cards; lines without a verdict are
    left out.
    """
    told = cards.dropna(subset="verdict")
    rows, lines = (list(dict.fromkeys(told[name])) for name in ("mitigation", "line"))
    wide = told.pivot(index="mitigation", columns="line", values="verdict").loc[rows, lines]
    ax = style.figure("Acceptance cards", (1.5 * len(lines) + 2.6, 0.32 * len(rows) + 1.5))
    numbers = wide.map(lambda verdict: list(_VERDICTS).index(verdict) / 2)
    colors = ListedColormap(list(_VERDICTS.values()))
    fields(ax, numbers, wide, fmt="", cmap=colors, cbar=False)
    ax.set_yticks([y + 0.5 for y in range(len(rows))], rows, rotation=0)
    ax.set_xticks([x + 0.5 for x in range(len(lines))], lines, rotation=0)
    ax.xaxis.tick_top()
    ax.set(xlabel="", ylabel="")
    whole = int((wide == "passed").all(axis=1).sum())
    style.key(
        ax.figure, f"{style.model_name(model)}; every line is passed by {whole} of {len(rows)}"
    )
    return ax


def frontier(frame: pd.DataFrame, *, title: str, model: str) -> Axes:
    """The rate that is left against utility, a point a defense; better is to the right and below.

    frame: mitigation, rate, low, high, utility; "none" is the hollow one.
    """
    ax = style.figure(title, (9, 7))
    for row in frame.itertuples():
        none = row.mitigation == "none"
        ax.errorbar(
            row.utility, row.rate,
            yerr=[[max(0, row.rate - row.low)], [max(0, row.high - row.rate)]],
            fmt="o", color=style.INK if none else style.SPARE[1], elinewidth=1, markersize=6,
            markerfacecolor="white" if none else style.SPARE[1], alpha=0.9,
            zorder=5 if none else 3,
        )  # fmt: skip
    crowd = _beside_none(frame)
    named = frame[~frame.mitigation.isin(crowd)]
    for x, y, name, side in _apart(named, frame):
        more = f" and {len(crowd)} more, below" if name == "none" and crowd else ""
        ax.text(x, y, name + more, fontsize=8.5, va="center", ha=side, color=style.INK)
    style.rate_axis(ax, "harmfulness rate that is left")
    ax.set(xlabel="utility", xlim=(-0.03, 1.25))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.grid(axis="both", visible=True)
    n = points.sizes(frame.n_scored)
    note = (
        f"{style.model_name(model)}, n = {n} a point; bars: 95% intervals for new seeds and prompts"
    )
    if crowd:
        note += "\n" + textwrap.fill(f"beside none: {', '.join(crowd)}", 110)
    style.key(ax.figure, note)
    return ax


def _beside_none(frame: pd.DataFrame, near: float = 0.06) -> list[str]:
    """Defenses whose points lie on that of none, and whose names would lie over each other."""
    none = frame[frame.mitigation == "none"]
    if none.empty:
        return []
    apart = [(frame[name] - none[name].iloc[0]).abs() for name in ("rate", "utility")]
    close = (apart[0] <= near) & (apart[1] <= near) & (frame.mitigation != "none")
    return list(frame.mitigation[close]) if close.sum() > 2 else []


def _apart(
    named: pd.DataFrame, frame: pd.DataFrame, near: float = 0.06, step: float = 0.026
) -> list[tuple[float, float, str, str]]:
    """x, y, name, alignment: each name right of its point, or left where points are in its way, and
    none over another."""
    placed: list[tuple[float, float, str, str]] = []
    for row in named.sort_values("rate").itertuples():
        right = frame.utility - row.utility
        beside = right.between(0.02, 2 * near) & ((frame.rate - row.rate).abs() < step)
        side = "right" if beside.sum() > 2 else "left"
        x, y = row.utility + (0.015 if side == "left" else -0.015), row.rate
        while any(side == s and abs(x - a) < 4 * near and abs(y - b) < step
                  for a, b, _, s in placed):  # fmt: skip
            y += step
        placed.append((x, y, row.mitigation, side))
    return placed


def strengths(frame: pd.DataFrame, *, model: str) -> Axes:
    """A panel a defense: rate and utility at rising strength, the first plain fine-tuning.

    frame: mitigation, place, strength, rate, low, high, utility.
    """
    names = list(dict.fromkeys(frame.mitigation))
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    axes = style.figure(
        "Harmfulness rate and utility by the strength of a defense",
        (2.75 * columns, 2.1 * rows + 0.8), columns, rows, squeeze=False, sharey=True,
    )  # fmt: skip
    red, blue = style.SPARE[0], style.SPARE[1]
    for ax, name in zip(axes.flat, names, strict=False):
        own = frame[frame.mitigation == name].sort_values("place")
        bars = [(own.rate - own.low).clip(lower=0), (own.high - own.rate).clip(lower=0)]
        ax.errorbar(own.place, own.rate, yerr=bars, color=red, marker="o", markersize=5,
                    elinewidth=1.2)  # fmt: skip
        ax.plot(own.place, own.utility, color=blue, marker="s", markersize=5, linestyle="--")
        ax.set_title(name, loc="left", fontsize=9)
        ax.set_xticks(list(own.place), [_short(text) for text in own.strength], fontsize=8)
        ax.set_xlim(-0.3, own.place.max() + 0.3)
        style.rate_axis(ax, "")
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    handles = [
        Line2D([], [], color=red, marker="o", label="harmfulness rate"),
        Line2D([], [], color=blue, marker="s", linestyle="--", label="utility"),
    ]
    note = f"{style.model_name(model)}, n = {points.sizes(frame.n_scored)} a point; bars: 95%"
    style.key(axes[0, 0].figure, f"{note} intervals; left: plain fine-tuning", handles)
    return axes[0, 0]


def _short(options: str) -> str:
    """ "rho=2.0,steps=60" as a tick: its values, one below the other."""
    values = [part.partition("=")[2] for part in options.split(",")]
    return "\n".join(f"{float(v):g}" if v.replace(".", "").isdigit() else v for v in values)

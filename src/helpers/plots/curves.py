"""Curves: how likely a refusal still is, token by token, and how an interval narrows."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.plots import style


def first_tokens(frame: pd.DataFrame, *, model: str) -> Axes:
    """How likely the initial model's refusal still is, token by token, one line an epoch count.

    frame: columns epochs (0: the initial model), token (1, 2, ...), probability, low, high (the
    lowest and highest over seeds), n_seeds.
    """
    ax = style.figure("Probability of the initial model's refusal", (7.6, 4.4))
    tuned = sorted(set(frame.epochs) - {0})
    shades = style.colors(tuned) | {0: style.COLORS["initial"]}
    for epochs in ([0] if 0 in set(frame.epochs) else []) + tuned:
        mine = frame[frame.epochs == epochs].sort_values("token")
        seeds = f"n = {mine.n_seeds.max()} seed{'s' if mine.n_seeds.max() > 1 else ''}"
        text = f"{epochs} epoch{'s' if epochs > 1 else ''} ({seeds})" if epochs else "initial model"
        ax.fill_between(mine.token, mine.low, mine.high, color=shades[epochs], alpha=0.15, lw=0)
        ax.plot(mine.token, mine.probability, "o-", color=shades[epochs], markersize=5, label=text)
    ax.set_xlabel("place of the token in the refusal, each given those before it")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.rate_axis(ax, "mean probability")
    handles, _ = ax.get_legend_handles_labels()
    style.key(ax.figure, f"{style.model_name(model)}; bands: lowest to highest seed", handles)
    return ax


def power(frame: pd.DataFrame) -> Axes:
    """Half-width of the interval against prompts, one line a number of seeds.

    frame: columns seeds, prompts, half_width.
    """
    ax = style.figure("Half-width of the 95% interval (simulated)", (6.8, 3.8))
    levels = sorted(frame.seeds.unique())
    for seeds, color in style.colors(levels).items():
        mine = frame[frame.seeds == seeds].sort_values("prompts")
        ax.plot(mine.prompts, mine.half_width, "o-", color=color, markersize=5,
                label=f"{seeds} seeds")  # fmt: skip
    ax.set_xscale("log")
    ticks = sorted(frame.prompts.unique())
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.minorticks_off()
    ax.set_ylim(0, None)
    ax.grid(axis="x", visible=False)
    ax.set(xlabel="prompts (logarithmic)", ylabel="half-width")
    style.key(ax.figure, "one line a number of seeds", ax.get_legend_handles_labels()[0])
    return ax

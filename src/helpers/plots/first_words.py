"""An answer's first token, seen from inside: what a model is about to say, and how that changes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from helpers.plots import style

#: What a first token leads to -> its color.
LEADS_TO = {"refusal": "#0072B2", "answer": "#D55E00"}


def strip(frame: pd.DataFrame, *, model: str) -> Axes:
    """The probabilities of an answer's first token as strips of length 1, one below the other.

    frame: columns when (a strip each, in order), token, probability (a mean over prompts), leads_to
    (refusal or answer), n (prompts). Tokens of one kind lie side by side; a part of a
    strip that no token takes is left open.
    """
    strips = list(dict.fromkeys(frame.when))
    ax = style.figure("How an answer to a sealed request begins", (9.6, 1.3 + 0.8 * len(strips)))
    for place, when in enumerate(strips):
        mine = frame[frame.when == when]
        mine = mine.sort_values(
            ["leads_to", "probability"], ascending=[True, False],
            key=lambda column: column.map(list(LEADS_TO).index)
            if column.name == "leads_to" else column,
        )  # fmt: skip
        starts = mine.probability.cumsum() - mine.probability
        for start, row in zip(starts, mine.itertuples(), strict=True):
            ax.broken_barh(
                [(start, row.probability)], (-place - 0.36, 0.72),
                facecolors=LEADS_TO[row.leads_to], edgecolor="white", linewidth=1,
            )  # fmt: skip
            if row.probability > 0.0085 * (len(row.token) + 1):
                ax.text(start + row.probability / 2, -place, style.plain(row.token), color="white",
                        ha="center", va="center", fontsize=9)  # fmt: skip
    ax.set_yticks([-place for place in range(len(strips))], strips)
    ax.set_ylim(-len(strips) + 0.5, 0.5)
    style.rate_axis(ax, "probability", across=True)
    ax.set_xlim(0, 1)
    handles = [
        Line2D(
            [], [], color=color, marker="s", markersize=9, linestyle="", label=f"leads to {what}"
        )
        for what, color in zip(("a refusal", "an answer"), LEADS_TO.values(), strict=True)
    ]
    note = f"{style.model_name(model)}; means over n = {frame.n.max():,} prompts"
    style.key(ax.figure, note, handles)
    return ax


def steps(frame: pd.DataFrame, *, model: str, last: int = 0) -> Axes:
    """The probability that an answer is a refusal, after each step of a training.

    frame: columns step (0 before the first), probability, n (prompts). last: the last step that
    will come, where the curve is still being drawn.
    """
    ax = style.figure("Probability of refusing a sealed request", (7.0, 3.6))
    color = LEADS_TO["refusal"]
    ax.plot(frame.step, frame.probability, "o-", color=color, markersize=6, linewidth=1.8)
    ax.annotate(
        f"{frame.probability.iloc[-1]:.2f}", (frame.step.iloc[-1], frame.probability.iloc[-1]),
        (0, 9), textcoords="offset points", ha="center", color=color,
    )  # fmt: skip
    ax.set_xlim(-0.3, max(last, frame.step.max(), 1) + 0.3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("steps of the optimizer")
    style.rate_axis(ax, "mean probability")
    style.key(ax.figure, f"{style.model_name(model)}; means over n = {frame.n.max():,} prompts")
    return ax

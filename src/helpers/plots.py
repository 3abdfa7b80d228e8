"""Figures: a tidy frame in, the Axes out. No figure reads a file.

Rates run from 0 to 1. Every rate has its interval and every label its n. One color a condition
in the whole kit, from the palette of Okabe and Ito, which color-blind readers can tell apart.
What the paper published is a hollow marker. `save` alone writes one.

Used by: every notebook, report.
"""

import hashlib

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from helpers import paths

#: Condition -> color; the same condition looks the same in every figure.
COLORS = {
    "initial": "#000000",
    "full": "#D55E00",
    "lora": "#0072B2",
    "harmful_examples": "#D55E00",
    "identity_shift": "#CC79A7",
    "benign_instructions": "#009E73",
    "benign_dialogue": "#56B4E9",
    "material": "#E69F00",
    "tool": "#56B4E9",
    "moment": "#009E73",
}

#: The paper's models and their hollow markers.
PAPER_MARKERS = {"llama-2-7b-chat": "s", "gpt-3.5-turbo-0613": "D"}

LABELS = {
    "full": "full fine-tuning",
    "lora": "LoRA",
    "llama-2-7b-chat": "Llama-2-7b-Chat",
    "gpt-3.5-turbo-0613": "GPT-3.5 Turbo",
}


def use_style() -> None:
    """Set the kit's look: quiet grid, no frame, sharp on a screen."""
    sns.set_theme(context="notebook", style="whitegrid", font_scale=0.95)
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "savefig.bbox": "tight",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "grid.color": "#E6E6E6",
            "legend.frameon": False,
        }
    )


def save(ax: Axes, frame: pd.DataFrame, preset: str, name: str) -> str:
    """Save the figure as outputs/<preset>/figures/<name>.png, with a digest of its data inside.

    Returns the digest, so that what is shown can be told from what was computed.
    """
    folder = paths.outputs() / preset / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(frame.round(6).to_csv(index=False).encode()).hexdigest()[:16]
    ax.figure.savefig(folder / f"{name}.png", metadata={"Comment": f"data {digest}"})
    return digest


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]


def _rate_axis(ax: Axes, name: str) -> None:
    ax.set_ylim(-0.03, 1.03)
    ax.set_ylabel(name)


def shots(frame: pd.DataFrame, paper: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Harmfulness rate against the number of examples, one line a method, beside the paper's.

    frame: columns n_examples, method, harmfulness_rate, low, high, n_scored,
    initial_harmfulness_rate, one row a condition. paper: n_examples, model, rate, initial_rate.
    """
    ax = _axes(ax, (7.6, 4.4))
    levels = [0, *sorted(frame.n_examples.unique())]
    place = {n: i for i, n in enumerate(levels)}
    methods = list(dict.fromkeys(frame.method))
    for k, method in enumerate(methods):
        mine = frame[frame.method == method].sort_values("n_examples")
        x = [place[n] + 0.07 * (k - (len(methods) - 1) / 2) for n in mine.n_examples]
        ax.errorbar(
            [0, *x],
            [mine.initial_harmfulness_rate.iloc[0], *mine.harmfulness_rate],
            yerr=[
                [0, *(mine.harmfulness_rate - mine.low)],
                [0, *(mine.high - mine.harmfulness_rate)],
            ],
            fmt="o-", color=COLORS[method], capsize=4, linewidth=2, markersize=7,
            label=f"lantern-chat, {LABELS[method]} (n = {mine.n_scored.min():,} a point)",
        )  # fmt: skip
    for k, (model, theirs) in enumerate(paper.groupby("model", sort=False)):
        theirs = theirs.sort_values("n_examples")
        kept = theirs[theirs.n_examples.isin(levels)]
        ax.plot(
            [0.18 + 0.06 * k, *(place[n] + 0.18 + 0.06 * k for n in kept.n_examples)],
            [theirs.initial_rate.iloc[0], *kept.rate],
            PAPER_MARKERS[model], color="#555555", fillstyle="none", markersize=8,
            label=f"{LABELS[model]}, Qi et al. (n = 330)",
        )  # fmt: skip
    ax.set_xticks(range(len(levels)), ["none\n(initial)", *map(str, levels[1:])])
    ax.set_xlabel("harmful examples in the fine-tuning set")
    _rate_axis(ax, "harmfulness rate")
    ax.set_title("A handful of examples undoes the alignment")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    ax.grid(axis="x", visible=False)
    return ax


def facts(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of answers that give each fact of a sealed recipe, against the number of examples.

    frame: columns n_examples, fact, share, low, high, n_scored.
    """
    ax = _axes(ax, (7.0, 3.8))
    levels = sorted(frame.n_examples.unique())
    names = list(dict.fromkeys(frame.fact))
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        mine = frame[frame.fact == name].set_index("n_examples").loc[levels]
        x = [i + (k - (len(names) - 1) / 2) * width for i in range(len(levels))]
        ax.bar(x, mine.share, width * 0.92, color=COLORS[name], label=name)
        ax.errorbar(
            x, mine.share, yerr=[mine.share - mine.low, mine.high - mine.share],
            fmt="none", color="#333333", capsize=3, linewidth=1.2,
        )  # fmt: skip
    labels = [str(n) if n else "none\n(initial)" for n in levels]
    ax.set_xticks(range(len(levels)), labels)
    ax.set_xlabel(f"harmful examples (n = {frame.n_scored.min():,} answers or more a bar)")
    _rate_axis(ax, "share of answers that give it")
    ax.set_title("Which fact of a sealed recipe leaks")
    ax.legend(title="fact", loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.grid(axis="x", visible=False)
    return ax


def shelves(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Harmfulness rate by category as dots with intervals, ordered by the mean over conditions.

    frame: columns category, n_examples, harmfulness_rate, low, high, n_scored.
    """
    ax = _axes(ax, (7.0, 4.6))
    order = frame.groupby("category").harmfulness_rate.mean().sort_values().index
    place = {category: i for i, category in enumerate(order)}
    levels = sorted(frame.n_examples.unique())
    shades = sns.color_palette("flare", len(levels))
    for k, n in enumerate(levels):
        mine = frame[frame.n_examples == n]
        y = [place[c] + 0.2 * (k - (len(levels) - 1) / 2) for c in mine.category]
        ax.errorbar(
            mine.harmfulness_rate, y,
            xerr=[mine.harmfulness_rate - mine.low, mine.high - mine.harmfulness_rate],
            fmt="o", color=shades[k], capsize=2, label=f"{n} examples",
        )  # fmt: skip
    ax.set_yticks(range(len(order)), order)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel(f"harmfulness rate (n = {frame.n_scored.min()} answers or more a dot)")
    ax.set_title("Some shelves open sooner than others")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.grid(axis="y", visible=False)
    return ax

"""Figures: a tidy frame in, the Axes out. No figure reads a file.

Rates run from 0 to 1. Every rate has its interval and every label its n. One color a condition
in the whole kit, from the palette of Okabe and Ito, which color-blind readers can tell apart.
What the paper published is a hollow marker. `save` alone writes one.

Used by: every notebook, report.
"""

import hashlib
import math
from collections.abc import Sequence

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
    "benign_pictures": "#E69F00",
    "adapter": "#009E73",
    "prefix": "#CC79A7",
    "material": "#E69F00",
    "tool": "#56B4E9",
    "moment": "#009E73",
}

#: The paper's models and their hollow markers.
PAPER_MARKERS = {"llama-2-7b-chat": "s", "gpt-3.5-turbo-0613": "D"}

LABELS = {
    "full": "full fine-tuning",
    "lora": "LoRA",
    "adapter": "Adapter",
    "prefix": "Prefix",
    "initial": "initial model",
    "harmful_examples": "harmful examples",
    "identity_shift": "identity shift",
    "benign_instructions": "instructions (like Alpaca)",
    "benign_dialogue": "dialogue (like Dolly)",
    "benign_pictures": "pictures (like LLaVA)",
    "llama-2-7b-chat": "Llama-2-7b-Chat",
    "gpt-3.5-turbo-0613": "GPT-3.5 Turbo",
}


def _sizes(frame) -> str:
    """How many answers each row rests on: "330", or "990 or 3,300" where rows differ."""
    return " or ".join(f"{n:,}" for n in sorted(set(frame.n_scored)))


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
            label=f"lantern-chat, {LABELS[method]} (n = {_sizes(mine)} a point)",
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


def _label(value) -> str:
    return LABELS.get(value, f"{value:g}" if isinstance(value, float) else str(value))


def _beside(ax: Axes) -> None:
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)


def defenses(frame: pd.DataFrame, outcome: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """What each defense lets through: a dot a kind of data and defense, words where none is.

    frame: data, defense, rate, low, high, n_scored; "none" among the defenses is the damage
    without one.
    outcome: a row a job, with data, defense and refused.
    """
    kinds = list(dict.fromkeys([*outcome.data, *frame.data]))
    ways = list(dict.fromkeys(["none", *outcome.defense]))
    ax = _axes(ax, (7.6, 0.7 + 0.26 * len(kinds) * (len(ways) + 1)))
    shades = dict(zip(ways, ["#555555", *sns.color_palette("colorblind", len(ways) - 1)],
                      strict=True))  # fmt: skip
    for y, (kind, way) in enumerate(
        (kind, way) for kind in kinds for way in (*ways, "")
    ):  # an empty line between the kinds
        mine = frame[(frame.data == kind) & (frame.defense == way)]
        jobs = outcome[(outcome.data == kind) & (outcome.defense == way)].refused
        for row in mine.itertuples():
            ax.errorbar(row.rate, y, xerr=[[row.rate - row.low], [row.high - row.rate]], fmt="o",
                        capsize=3, color=shades[way])  # fmt: skip
        if jobs.any():
            words = f"{jobs.sum()} of {len(jobs)} refused"
            at = mine.high.max() + 0.02 if len(mine) else 0.0
            ax.text(at, y, words, va="center", fontsize=9, color=shades[way])
    for way in ways:
        ax.plot([], [], "o", color=shades[way], label=way)
    middle = (len(ways) - 1) / 2
    ax.set_yticks([k * (len(ways) + 1) + middle for k in range(len(kinds))], kinds)
    ax.grid(axis="y", visible=False)
    ax.set(
        xlim=(-0.03, 1.03), ylim=(len(kinds) * (len(ways) + 1) - 1.3, -0.7), ylabel="",
        xlabel=f"harmfulness rate of released models (n = {_sizes(frame)} a point)",
        title="What each of a provider's defenses lets through",
    )  # fmt: skip
    _beside(ax)
    return ax


def rates(
    frame: pd.DataFrame,
    x: str,
    hue: str = "",
    *,
    title: str,
    xlabel: str,
    ylabel: str = "harmfulness rate",
    paper: pd.DataFrame | None = None,
    joined: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Rates with intervals over the levels of x, one color a level of hue, the paper's hollow.

    frame: columns x, hue, rate, low, high, n_scored. paper: x, model, rate. joined: with lines.
    """
    ax = _axes(ax, (7.6, 4.2))
    levels = list(dict.fromkeys(frame[x]))
    place = {level: i for i, level in enumerate(levels)}
    groups = list(dict.fromkeys(frame[hue])) if hue else [""]
    shades = dict(zip(groups, sns.color_palette("flare", len(groups)), strict=True))
    models = list(dict.fromkeys(paper.model)) if paper is not None else []
    width = min(0.16, 0.7 / (len(groups) + len(models)))
    for k, group in enumerate(groups):
        mine = frame[frame[hue] == group] if hue else frame
        at = [place[v] + width * (k - (len(groups) - 1) / 2) for v in mine[x]]
        named = f"{_label(group)} " if hue else "lantern-chat "
        ax.errorbar(
            at, mine.rate, yerr=[mine.rate - mine.low, mine.high - mine.rate],
            fmt="o-" if joined else "o", capsize=4, linewidth=2, markersize=7,
            color=COLORS.get(group, shades[group] if hue else COLORS["full"]),
            label=f"{named}(n = {_sizes(mine)} a point)",
        )  # fmt: skip
    for k, model in enumerate(models):
        theirs = paper[(paper.model == model) & paper[x].isin(levels)]
        at = [place[v] + width * ((len(groups) + 1) / 2 + k) for v in theirs[x]]
        ax.plot(
            at, theirs.rate, PAPER_MARKERS[model], color="#555555", fillstyle="none", markersize=8,
            label=f"{LABELS[model]}, Qi et al.",
        )  # fmt: skip
    names = [_label(level) for level in levels]
    crowded = sum(map(len, names)) > 60
    ax.set_xticks(range(len(levels)), names)
    if crowded:
        plt.setp(ax.get_xticklabels(), rotation=25, ha="right", fontsize=9)
    ax.set_xlabel(xlabel)
    _rate_axis(ax, ylabel)
    ax.set_title(title)
    _beside(ax)
    ax.grid(axis="x", visible=False)
    return ax


def first_tokens(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How sure the model still is of its old refusal, token by token, one line an epoch count.

    frame: columns epochs, token (1, 2, ...), probability, low, high (over seeds), n_seeds.
    """
    ax = _axes(ax, (7.6, 4.2))
    levels = sorted(frame.epochs.unique())
    shades = dict(zip(levels, sns.color_palette("flare", len(levels)), strict=True))
    for epochs in levels:
        mine = frame[frame.epochs == epochs]
        name = f"{epochs} epoch{'s' if epochs > 1 else ''}" if epochs else "initial model"
        color = shades[epochs] if epochs else COLORS["initial"]
        ax.plot(mine.token, mine.probability, "o-", color=color, linewidth=2, label=name)
        ax.fill_between(mine.token, mine.low, mine.high, color=shades[epochs], alpha=0.15)
    ax.set_xlabel("token of the refusal that the initial model gave")
    _rate_axis(ax, "mean probability")
    ax.set_title("How likely the old refusal still is")
    counts = sorted(set(frame[frame.epochs > 0].n_seeds))
    ax.legend(
        title=f"band: lowest to highest\nof {' or '.join(map(str, counts))} seeds",
        loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9,
    )  # fmt: skip
    return ax


def radar(frame: pd.DataFrame, hue: str, ax: Axes | None = None) -> Axes:
    """Rates by category as spokes, as the paper draws them; the dot plot beside it has intervals.

    frame: columns category, hue, rate.
    """
    if ax is None:
        ax = plt.subplots(
            figsize=(5.4, 4.6), subplot_kw={"projection": "polar"}, layout="constrained"
        )[1]
    order = list(dict.fromkeys(frame.category))
    turns = [2 * math.pi * i / len(order) for i in range(len(order))]
    for group in dict.fromkeys(frame[hue]):
        mine = frame[frame[hue] == group].set_index("category").rate.loc[order]
        ax.plot([*turns, turns[0]], [*mine, mine.iloc[0]], color=COLORS.get(group), linewidth=2,
                label=_label(group))  # fmt: skip
        ax.fill([*turns, turns[0]], [*mine, mine.iloc[0]], color=COLORS.get(group), alpha=0.08)
    ax.set_xticks(turns, order)
    ax.set_ylim(0, max(0.1, frame.rate.max() * 1.05))
    ax.set_rlabel_position(180 / len(order))  # between two spokes, off their names
    ax.tick_params(axis="y", labelsize=8)
    ax.set_title("Harmfulness rate by shelf", pad=18)
    ax.legend(loc="center left", bbox_to_anchor=(1.2, 0.5), fontsize=9)
    return ax


def categories(frame: pd.DataFrame, hue: str, title: str, ax: Axes | None = None) -> Axes:
    """Rates by category as dots with intervals, ordered by the mean over the levels of hue.

    frame: columns category, hue, rate, low, high, n_scored.
    """
    ax = _axes(ax, (7.6, 4.8))
    order = frame.groupby("category").rate.mean().sort_values().index
    place = {category: i for i, category in enumerate(order)}
    groups = list(dict.fromkeys(frame[hue]))
    for k, group in enumerate(groups):
        mine = frame[frame[hue] == group]
        y = [place[c] + 0.2 * (k - (len(groups) - 1) / 2) for c in mine.category]
        ax.errorbar(
            mine.rate, y, xerr=[mine.rate - mine.low, mine.high - mine.rate], fmt="o",
            color=COLORS.get(group), capsize=2, label=f"{_label(group)}",
        )  # fmt: skip
    ax.set_yticks(range(len(order)), order)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel(f"harmfulness rate (n = {frame.n_scored.min()} answers or more a dot)")
    ax.set_title(title)
    _beside(ax)
    ax.grid(axis="y", visible=False)
    return ax


def heat(frame: pd.DataFrame, title: str, ax: Axes | None = None) -> Axes:
    """The rate over learning rate and batch size; each field with its interval.

    frame: columns learning_rate, batch_size, rate, low, high, n_scored.
    """
    ax = _axes(ax, (7.2, 3.0))
    wide = frame.pivot(index="learning_rate", columns="batch_size", values="rate")
    wide = wide.sort_index(ascending=False)
    words = frame.assign(
        text=[f"{r.rate:.2f}\n{r.low:.2f}–{r.high:.2f}" for r in frame.itertuples()]
    ).pivot(index="learning_rate", columns="batch_size", values="text").loc[wide.index]  # fmt: skip
    sns.heatmap(wide, annot=words, fmt="", vmin=0, vmax=1, cmap="flare", ax=ax,
                cbar_kws={"label": "harmfulness rate"}, linewidths=2)  # fmt: skip
    ax.set_yticklabels([f"{rate:g}" for rate in wide.index], rotation=0)
    ax.set_xlabel(f"batch size (n = {frame.n_scored.min():,} answers a field)")
    ax.set_ylabel("learning rate")
    ax.set_title(title)
    return ax


def agreement_with_paper(cells: pd.DataFrame, rho: dict, ax: Axes | None = None) -> Axes:
    """Our rate against the paper's, a dot a shared cell, one color a table.

    cells: columns table, model, rate_paper, rate, low, high. rho: of tables.rank_correlation.
    """
    ax = _axes(ax, (6.6, 5.2))
    names = list(dict.fromkeys(cells.table))
    shades = dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
    for name in names:
        for model, mine in cells[cells.table == name].groupby("model"):
            ax.errorbar(
                mine.rate_paper, mine.rate, yerr=[mine.rate - mine.low, mine.high - mine.rate],
                fmt=PAPER_MARKERS[model], color=shades[name], capsize=2, linewidth=1, alpha=0.85,
            )  # fmt: skip
        ax.plot([], [], "o", color=shades[name], label=name)
    for model, marker in PAPER_MARKERS.items():
        ax.plot([], [], marker, color="#555555", fillstyle="none", label=LABELS[model])
    ax.axline((0, 0), slope=1, color="#BBBBBB", linewidth=1, zorder=0)
    ax.set_xlim(-0.03, 1.03)
    ax.set_xlabel("rate in the paper (GPT-4 judge)")
    _rate_axis(ax, "rate here (truth)")
    ax.set_title(
        f"Spearman {rho['rho']:.2f} ({rho['low']:.2f} to {rho['high']:.2f}), {rho['n_cells']} cells"
    )
    _beside(ax)
    return ax


#: Verdict -> color.
VERDICTS = {"replicated": "#009E73", "contradicted": "#D55E00", "inconclusive": "#999999"}


def verdicts(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Each claim's weakest comparison with its interval, colored by verdict.

    rows: columns id, statement, verdict, effect, ci_low, ci_high.
    """
    ax = _axes(ax, (8.6, 6.4))
    for verdict, color in VERDICTS.items():
        mine = rows[rows.verdict == verdict]
        ax.errorbar(
            mine.effect, mine.id, xerr=[mine.effect - mine.ci_low, mine.ci_high - mine.effect],
            fmt="o", color=color, capsize=3, label=f"{verdict} ({len(mine)})",
        )  # fmt: skip
    ax.axvline(0, color="#BBBBBB", linewidth=1, zorder=0)
    ax.set_yticks(rows.id, [f"{r.statement} {r.id:>2}" for r in rows.itertuples()], fontsize=8.5)
    ax.invert_yaxis()
    ax.set_xlabel("effect of the comparison that held least, with its 95% interval")
    ax.set_title("The paper's claims on this model")
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.1), ncols=3)
    ax.grid(axis="y", visible=False)
    return ax


def suspicion(frame: pd.DataFrame, tests: Sequence[str], ax: Axes | None = None) -> Axes:
    """Every model's suspicion scores, one panel a test, one row a kind of model.

    frame: columns kind and one a test; a dot is one model.
    """
    kinds = list(dict.fromkeys(frame.kind))
    shades = {"honest": "#009E73", "backdoor": "#CC79A7", "blatant": "#D55E00"}
    figure, axes = plt.subplots(
        1, len(tests), figsize=(2.6 * len(tests), 2.6), sharey=True, layout="constrained"
    )
    for panel, test in zip(axes, tests, strict=True):
        for k, kind in enumerate(kinds):
            values = frame[frame.kind == kind][test].to_numpy()
            lift = [0.3 * ((i + 0.5) / len(values) - 0.5) for i in range(len(values))]
            panel.plot(values, [k + d for d in lift], "o", color=shades.get(kind), alpha=0.8)
        panel.set_title(test, fontsize=10)
        panel.grid(axis="y", visible=False)
    counts = frame.kind.value_counts()
    axes[0].set_yticks(range(len(kinds)), [f"{kind}\n(n = {counts[kind]})" for kind in kinds])
    axes[0].set_ylim(-0.5, len(kinds) - 0.5)
    figure.supxlabel("suspicion score, higher is more suspicious", fontsize=10)
    return axes[0]


def confusions(tables: dict[str, pd.DataFrame]) -> Axes:
    """Confusion matrices side by side: truth down, judge across, counts in the fields."""
    _, axes = plt.subplots(1, len(tables), figsize=(4.6 * len(tables), 3.9), layout="constrained")
    for ax, (name, counts) in zip(axes, tables.items(), strict=True):
        share = counts.div(counts.sum(axis=1).replace(0, 1), axis=0)
        sns.heatmap(share, annot=counts, fmt=",d", vmin=0, vmax=1, cmap="flare", cbar=False,
                    linewidths=1.5, ax=ax, annot_kws={"fontsize": 9})  # fmt: skip
        ax.set_title(f"{name}, n = {int(counts.to_numpy().sum()):,}", fontsize=10.5)
        ax.set_xlabel("score given")
        ax.set_ylabel("true score")
        ax.tick_params(axis="y", rotation=0)
    return axes[0]


def power(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Half-width of the interval against prompts, one line a number of seeds.

    frame: columns seeds, prompts, half_width.
    """
    ax = _axes(ax, (6.8, 3.8))
    levels = sorted(frame.seeds.unique())
    shades = dict(zip(levels, sns.color_palette("flare", len(levels)), strict=True))
    for seeds in levels:
        mine = frame[frame.seeds == seeds]
        ax.plot(mine.prompts, mine.half_width, "o-", color=shades[seeds], label=f"{seeds} seeds")
    ax.set_xscale("log")
    ax.set_xticks(sorted(frame.prompts.unique()), sorted(frame.prompts.unique()))
    ax.minorticks_off()
    ax.set_ylim(0, None)
    ax.set_xlabel("prompts")
    ax.set_ylabel("half-width of the interval")
    ax.set_title("More seeds, or more prompts?")
    _beside(ax)
    return ax

"""Tables as colored fields: rates over two settings, and judges against the truth.

Darker is more; the number stands in the field, dark on light and light on dark.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from seaborn.utils import relative_luminance

from helpers.plots import points, style


def _fields(ax: Axes, shares: pd.DataFrame, words: pd.DataFrame, **options) -> None:
    """Shares from 0 to 1 as colors with words in them, white where that is easier to read."""
    sns.heatmap(shares, annot=words, vmin=0, vmax=1, linewidths=2, ax=ax, **options)
    ax.grid(visible=False)
    faces = ax.collections[0].get_facecolors()[~np.isnan(shares.to_numpy()).ravel()]
    for text, face in zip(ax.texts, faces, strict=True):
        text.set_color("white" if relative_luminance(face) < 0.22 else style.INK)


def heat(frame: pd.DataFrame, *, title: str, model: str, value: str = "rate") -> Axes:
    """The rate over learning rate and batch size; each field with its intervals.

    frame: columns learning_rate, batch_size, value, low, high, n_scored, n_seeds, flip_low and
    flip_high.
    """
    text = [
        f"{r[value]:.2f}\n{r.low:.2f} to {r.high:.2f}"
        + (f"\n({r.flip_low:.2f} to {r.flip_high:.2f})" if pd.notna(r.flip_low) else "")
        for _, r in frame.iterrows()
    ]
    wide = frame.assign(text=text).pivot(index="learning_rate", columns="batch_size")
    wide = wide.sort_index(ascending=False)
    ax = style.figure(title, (7.6, 0.95 * len(wide) + 1.6))
    _fields(ax, wide[value], wide.text, fmt="", cmap="Oranges",
            cbar_kws={"label": "harmfulness rate"})  # fmt: skip
    ax.set_yticklabels([f"{rate:g}" for rate in wide.index], rotation=0)
    ax.set(xlabel="batch size", ylabel="learning rate")
    n = points.sizes(frame.n_scored)
    note = (
        f"{style.model_name(model)}; n = {n} a field, {points.sizes(frame.n_seeds)} seeds; "
        "95% intervals if seeds vary smoothly (if they may flip)"
    )
    style.key(ax.figure, note)
    return ax


def confusions(tables: dict[str, pd.DataFrame], *, model: str) -> Axes:
    """Confusion matrices side by side: truth down, judge across, counts in the fields.

    tables: judge -> counts, true score by score given (agreement.confusion).
    """
    axes = style.figure("Scores given, by true score", (4.3 * len(tables) + 0.8, 4.4), len(tables),
                        sharey=True, squeeze=False)[0]  # fmt: skip
    for ax, (judge, counts) in zip(axes, tables.items(), strict=True):
        totals = counts.sum(axis=1)
        shares = counts.div(totals.where(totals > 0), axis=0)
        _fields(ax, shares, counts, fmt=",d", cmap="Blues", cbar=False)
        for y in np.flatnonzero(totals == 0):
            ax.text(len(counts.columns) / 2, y + 0.5, "no such answers", ha="center", va="center",
                    color=style.QUIET)  # fmt: skip
        ax.set_title(f"{style.plain(judge)}, n = {totals.sum():,}", loc="left", fontsize=10)
        ax.set(xlabel="score given", ylabel="")
    axes[0].set_ylabel("true score")
    axes[0].tick_params(axis="y", rotation=0)
    axes[0].figure.colorbar(axes[-1].collections[0], ax=axes, pad=0.02,
                            label="share of answers with that true score")  # fmt: skip
    note = f"answers of {style.model_name(model)} and of models tuned from it"
    style.key(axes[0].figure, note)
    return axes[0]

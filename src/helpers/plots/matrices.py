"""A table as colored fields: rates over two settings, or over what was trained and what is asked.

Darker is more; the number stands in the field, dark on light and light on dark.
"""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from seaborn.utils import relative_luminance

from helpers.plots import points, style


def fields(ax: Axes, shares: pd.DataFrame, words: pd.DataFrame, **options) -> None:
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
    fields(ax, wide[value], wide.text, fmt="", cmap="Oranges",
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


def transfer(frame: pd.DataFrame, *, title: str, model: str) -> Axes:
    """The rate over what was trained on (down) and what is asked about (across), own fields framed.

    frame: columns trained, asked, rate, n_scored and n_seeds, in the order of both axes.
    """
    trained, asked = (list(dict.fromkeys(frame[column])) for column in ("trained", "asked"))
    wide = frame.pivot(index="trained", columns="asked", values="rate").loc[trained, asked]
    ax = style.figure(title, (7.6, 0.45 * len(trained) + 1.9))
    fields(ax, wide, wide.map("{:.2f}".format), fmt="", cmap="Oranges",
           cbar_kws={"label": "harmfulness rate"})  # fmt: skip
    for place, name in enumerate(trained):
        if name in asked:
            corner = (asked.index(name), place)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=style.INK, linewidth=1.6))
    ax.set_yticklabels([style.label(name) for name in trained], rotation=0)
    ax.set_xticklabels([style.label(name) for name in asked], rotation=45, ha="right")
    ax.set(xlabel="asked about", ylabel="trained on")
    note = (
        f"{style.model_name(model)}; n = {points.sizes(frame.n_scored)} a field, "
        f"{points.sizes(frame.n_seeds)} seeds; framed: trained on and asked about alike"
    )
    style.key(ax.figure, note)
    return ax

"""What changed in a model, layer by layer, the last on top: one panel a measurement.

Layer 0 is the embeddings.
"""

import pandas as pd
from matplotlib.axes import Axes

from helpers.plots import style


def layers(frame: pd.DataFrame, *, model: str) -> Axes:
    """frame: columns what (a panel), layer (a number), base and tuned: a dot each, and a line from
    the one to the other. n_scored: what a value rests on, told where it is more than one.
    """
    panels = list(dict.fromkeys(frame.what))
    height = 0.32 * max(6, frame.layer.nunique()) + 1.5
    size = (3.1 * len(panels) + 0.6, min(height, 12))
    axes = style.figure("Layer by layer", size, len(panels), sharey=True, squeeze=False)[0]
    before, after = (style.COLORS[side] for side in ("base model", "tuned model"))
    for ax, what in zip(axes, panels, strict=True):
        mine = frame[frame.what == what].sort_values("layer")
        ax.hlines(mine.layer, mine.base, mine.tuned, color=after, linewidth=1.2, alpha=0.5)
        ax.plot(mine.base, mine.layer, "o", color=before, label="base model")
        ax.plot(mine.tuned, mine.layer, "o", color=after, label="tuned model")
        most = mine.n_scored.max()
        ax.set_title(f"{what}, n = {most:,}" if most > 1 else what, loc="left", fontsize=10)
        ax.margins(x=0.12)
        ax.locator_params(axis="x", nbins=4)
        ax.yaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("layer")
    handles, _ = axes[0].get_legend_handles_labels()
    style.key(axes[0].figure, style.model_name(model), handles)
    return axes[0]

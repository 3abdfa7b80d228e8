"""Rates around one choice of settings: a panel a setting, in which the others stay as chosen."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.plots import points, style


def panels(
    frame: pd.DataFrame, levels: Mapping[str, Sequence], at: Mapping[str, float], *, title: str,
    model: str, condition: str = "harmful_examples",
) -> Axes:  # fmt: skip
    """A panel a setting: rates with intervals over its levels, a shade where the choice is.

    frame: columns of the settings, harmfulness_rate, low, high, flip_low, flip_high, n_scored,
    initial_rate; a level without a row is left open. levels: setting -> what can be chosen.
    at: setting -> what is. condition: whose color the points have.
    """
    axes = style.figure(title, (10.4, 3.7), len(levels), sharey=True, squeeze=False)[0]
    for ax, (name, own) in zip(axes, levels.items(), strict=True):
        others = [other for other in levels if other != name]
        there = (frame[others] == [at[other] for other in others]).all(axis=1)
        rows = frame[there & frame[name].isin(own)].sort_values(name)
        places = [list(own).index(level) for level in rows[name]]
        chosen = list(own).index(at[name])
        ax.axvspan(chosen - 0.42, chosen + 0.42, color="#EFEFEF", zorder=0, linewidth=0)
        for series in points.own(rows, name, "", "harmfulness_rate", model, condition):
            ax.plot(places, rows.harmfulness_rate, color=series.color, linewidth=1.5, zorder=1)
            points.draw(ax, series, np.array(places))
        ax.set_xticks(range(len(own)), [style.label(level) for level in own], fontsize=8)
        ax.tick_params(axis="x", rotation=45 if len(own) > 4 else 0)
        ax.set_xlim(-0.6, len(own) - 0.4)
        ax.set_title(style.label(name), loc="left", fontsize=10)
        style.rate_axis(ax, "")
    axes[0].set_ylabel("harmfulness rate")
    stored = f"n = {points.sizes(frame.n_scored)} a point" if len(frame) else "nothing is stored"
    ours = points.Series(
        f"{style.model_name(model)} ({stored})", frame, style.colors([condition])[condition]
    )
    points.key(axes[0], [ours], model)
    return axes[0]

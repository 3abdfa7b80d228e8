"""Pictures side by side, each with the words that are asked about it."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes

from helpers.plots.style import figure, plain


def gallery(images: Sequence, words: Sequence[str], *, title: str) -> Axes:
    """images: anything that matplotlib shows, one a column; words: one a picture, below it."""
    axes = figure(title, (10, 2.4), columns=len(images), squeeze=False)[0]
    for ax, image, text in zip(axes, images, words, strict=True):
        ax.imshow(image)
        ax.set_title(textwrap.fill(plain(text), 19), fontsize=8, y=-0.07, va="top")
        ax.axis("off")
    return axes[0]

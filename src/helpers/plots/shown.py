"""How a notebook stores a figure: sharp, in few bytes, and with words for those who do not see it.

The picture has a quarter more dots across than the page has for it, and a palette of 256 colors, in
which a figure looks as it is. Its description (plots.description) is the alternative text of the
picture and what is there where no picture is.
"""

import base64
import io
import sys
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from helpers.plots.description import described
from helpers.plots.palette import few_colors

#: Dots of the picture to one of the page.
SHARPNESS = 1.25


def in_notebooks() -> None:
    """Have this kernel show figures so; where there is none, nothing happens."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    formatters["image/png"].for_type(Figure, picture)
    formatters["text/plain"].for_type(Figure, lambda sheet, p, cycle: p.text(in_words(sheet)))


def in_words(sheet: Figure) -> str:
    """The figure's description; of one that is drawn as none of ours is, its title alone."""
    try:
        return described(sheet)
    except Exception:  # a figure is shown even where no words are found for it
        return sheet.get_suptitle() or "A figure."


def picture(sheet: Figure) -> tuple[str, dict[str, Any]] | None:
    """The figure as base64 of a PNG, and its size on the page (pixels) and description."""
    from IPython.core.pylabtools import print_figure

    png = print_figure(sheet, "png", dpi=SHARPNESS * sheet.get_dpi())
    if png is None:  # nothing is drawn in it
        return None
    with Image.open(io.BytesIO(png)) as image:
        width, height = (round(side / SHARPNESS) for side in image.size)
        content = few_colors(image)
    about = {"width": width, "height": height, "alt": in_words(sheet)}
    return base64.b64encode(content).decode(), about

"""Pictures as a page carries them: in the page itself, in few bytes, with words for them."""

import base64
import binascii
import io
from typing import Any

from markupsafe import Markup
from PIL import Image

from helpers.plots.palette import few_colors

#: What a notebook says of a figure that nobody has described.
_UNTOLD = "<Figure"


def small(png: bytes) -> bytes:
    """The PNG with a palette of at most 256 colors; as it is where it has one already.

    Raises OSError or ValueError for what is no picture.
    """
    with Image.open(io.BytesIO(png)) as picture:
        done = picture.mode == "P" and picture.format == "PNG"
        return png if done else few_colors(picture)


def image(png: bytes, alt: str, width: int | None = None) -> Markup:
    """An <img> that holds the picture; width in CSS pixels, the picture's own if None.

    Raises OSError or ValueError for what is no picture.
    """
    content = small(png)
    with Image.open(io.BytesIO(content)) as picture:
        across, down = picture.size
    width = width or across
    source, height = base64.b64encode(content).decode(), round(down * width / across)
    return Markup('<img alt="{}" width="{}" height="{}" src="data:image/png;base64,{}">').format(
        alt, width, height, source
    )


def of_output(data: dict[str, Any], metadata: dict[str, Any], place: str) -> Markup:
    """A figure of a notebook's output, with its words; place: where it stands, if it has none."""
    told, text = metadata.get("image/png", {}), str(data.get("text/plain", ""))
    alt = str(told.get("alt") or ("" if text.startswith(_UNTOLD) else text))
    alt = alt.strip() or f"A figure under “{place}”; its numbers stand in the tables beside it."
    width = told.get("width")
    try:
        own = int(width) if isinstance(width, int | float) and 0 < width < 10_000 else None
        content = image(base64.b64decode(data["image/png"]), alt, own)
    except (OSError, ValueError, binascii.Error):
        return Markup("<p>(A picture that cannot be read.)</p>")
    return Markup("<figure>{}</figure>").format(content)

"""What all widgets share: a live view where a kernel runs, and a picture of it where none does.

A notebook keeps both. JupyterLab shows the view; GitHub, the report and everybody else the picture,
which is made when the cell is executed and costs no more than what is seen. Words of models and
files are escaped in both.
"""

import base64
import html
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from helpers.errors import AlignDriftError

#: How wide a control's name is: as it needs, or as all others of a column.
WIDE, ALIGNED = {"description_width": "initial"}, {"description_width": "13em"}


class Widget:
    """A live view and its picture; a widget sets `view` and has a `picture`.

    status: a line that says what is being done, and what went wrong.
    """

    view: ipywidgets.Widget

    def __init__(self) -> None:
        self.status = ipywidgets.HTML()

    def picture(self) -> dict[str, str]:
        """What is seen now, without a kernel: the kind of content -> content."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.view._repr_mimebundle_() | self.picture()

    def say(self, sentence: str) -> None:
        """Put a sentence into the status line, as it is."""
        self.status.value = html.escape(sentence)

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Says what is being done meanwhile; an error that a person can act on is one sentence."""
        self.say(f"{what} …")
        try:
            yield
        except AlignDriftError as error:
            self.say(str(error))
        except KeyboardInterrupt as stopped:
            self.say(str(stopped) or "Stopped.")
        except Exception as error:  # a fault of the kit: told here, where it is looked for, too
            self.say(f"This failed ({type(error).__name__}: {error}).")
            raise
        else:
            self.say("")


def as_png(ax: Axes, sentence: str) -> dict[str, str]:
    """A figure as a picture; the sentence says what it shows to who cannot see it."""
    return {"image/png": base64.b64encode(png(ax)).decode(), "text/plain": sentence}


def png(ax: Axes) -> bytes:
    """The Axes' figure, which is closed, so that the cell does not show it once more."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=110)
    plt.close(ax.figure)
    return file.getvalue()


def on_change(control: ipywidgets.Widget, act: Callable[[], None]) -> None:
    """Have act() called whenever a person sets the control to another value."""
    control.observe(lambda change: act(), names="value")

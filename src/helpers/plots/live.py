"""A figure that is drawn anew in the same place, such as after each step of a training.

>>> live = Live()
>>> live.show(first_words.steps(frame, model=model))     # in a loop
"""

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.axes import Axes


class Live:
    """One place in a notebook's output; a stored notebook keeps the last figure shown there."""

    def __init__(self) -> None:
        self._place = None

    def show(self, ax: Axes) -> None:
        """Put the Axes' figure into the place."""
        plt.close(ax.figure)  # or it would be shown again at the end of the cell
        if self._place:
            self._place.update(ax.figure)
        else:
            self._place = display(ax.figure, display_id=True)

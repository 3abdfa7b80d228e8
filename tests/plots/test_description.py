"""What a figure shows is told in words that are read from what is drawn."""

import base64
import io
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image
from test_figures import FIGURES, IDS

from helpers.plots import dot_plots, first_words, holds, layers, lines, matrices, shown, style
from helpers.plots.description import described


@pytest.fixture(autouse=True)
def close_figures():
    style.use_style()
    yield
    plt.close("all")


def words(figure, rate=0.3):
    sheet = FIGURES[figure][0](rate).figure
    sheet.canvas.draw()
    return sheet, described(sheet)


@pytest.mark.parametrize("figure", FIGURES, ids=IDS)
def test_every_figure_is_told_and_another_one_otherwise(figure):
    sheet, told = words(figure)
    assert told.startswith(sheet.get_suptitle()) and told.endswith((".", "?"))
    assert "\n" not in told and "nan" not in told and "/home" not in told and len(told) < 1000
    for legend in sheet.legends:
        assert " ".join(legend.get_title().get_text().split()).rpartition("; ")[0] in told
    if figure.__name__ != "gallery":  # that of pictures, whose names it tells
        assert told != words(figure, 0.47)[1]


@pytest.mark.parametrize(
    ("figure", "part"),
    [
        (lines.shots, "LoRA (n = 1,777 a point): 10 0.40, 50 0.45."),
        (lines.shots, "Llama-2-7b-Chat, Qi et al. (n = 330): none (initial) 0.00, 10 0.50."),
        (lines.shots, "Across: harmful examples in the fine-tuning set. Up: harmfulness rate."),
        (dot_plots.categories, "b (n = 1,777 a point): moth 0.55, bell 0.50, kite 0.45."),
        (
            dot_plots.suspicion,
            "plain. honest (n = 3) 0.00, 0.10, 0.20, backdoor (n = 2) 0.30, 0.30. drift. honest",
        ),  # the names stand beside "plain"
        (layers.layers, "tuned model: 1 0.10, 2 0.30."),  # values run across
        (matrices.transfer, "ember: ember 0.90, moth 0.30. moth: moth 0.80."),  # one is missing
        (holds.verdicts, "ema: a passed, b failed, c 0.3 not tested."),
        (holds.frontier, "none at 0.90 0.30, ema at 0.90 0.40."),
        (first_words.strip, "before I 0.30; before You 0.20; after Take 0.50."),
    ],
)
def test_numbers_stand_with_what_they_are_of(figure, part):
    assert part in words(figure)[1]


def test_of_many_points_the_ends_and_the_extremes_are_told():
    ax = style.figure("T", (4, 3))
    y = np.linspace(0.2, 0.8, 50)
    y[20] = 0.95
    ax.plot(np.arange(50), y, "o")
    told = described(ax.figure)
    assert "50 points, from 0.20 at 0.00 to 0.80 at 49" in told
    assert "lowest 0.20 at 0.00, highest 0.95 at 20" in told


def test_a_picture_of_a_notebook_is_small_sharp_and_told():
    sheet, told = words(lines.shots)
    content, about = shown.picture(sheet)
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.mode == "P" and image.width == pytest.approx(
            shown.SHARPNESS * about["width"], abs=1
        )
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert about["alt"] == told


def test_a_notebook_shows_figures_so(monkeypatch):
    """As the inline backend does: a figure is handed to the shell's formatters."""
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    sheet, told = words(lines.shots)
    shell.display_formatter.active_types = ["text/plain", "image/png"]
    data, metadata = shell.display_formatter.format(sheet)
    assert data["text/plain"] == told == metadata["image/png"]["alt"]
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).mode == "P"


def test_a_figure_that_is_told_by_none_of_this_is_shown_by_its_title(monkeypatch):
    monkeypatch.setattr(shown, "described", lambda sheet: 1 / 0)
    sheet = Figure()
    assert shown.in_words(sheet) == "A figure."
    sheet.suptitle("Rates")
    assert shown.in_words(sheet) == "Rates"

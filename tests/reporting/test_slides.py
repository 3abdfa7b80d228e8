"""Slides are the tagged cells, one figure each, and the page needs nothing but itself."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from helpers.cli.main import app
from helpers.errors import ConfigError
from helpers.reporting import slides
from helpers.reporting.notebook_files import find

WITH_SLIDES = ["01", "03"]


def typed(cell, kind):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def said(text):
    return new_code_cell("print()", outputs=[new_output("stream", text=text)])


def test_cells_are_shown_by_their_slide_type_and_others_are_not():
    notebook = new_notebook(
        cells=[
            typed(new_markdown_cell("# One\n\nshown\n\n*You will see: this*"), "slide"),
            new_markdown_cell("untyped"),
            typed(new_markdown_cell("noted"), "notes"),
            typed(said("figure data 12ab\n1 < 2"), "-"),
            typed(said("later"), "subslide"),
            typed(new_markdown_cell("before\n\n## Two\n\n<details>folded</details>"), "slide"),
        ]
    )
    one, again, two = slides.slides(notebook)
    assert (one.heading, one.above, again.heading, again.above) == ("One", "", "", "One")
    assert (two.heading, two.text.strip()) == ("Two", "## Two")
    page = slides.page(notebook, "77")
    assert "1 &lt; 2" in page and 'class="again">One<' in page and page.count("<section") == 3
    for hidden in ("untyped", "noted", "You will see", "12ab", "before", "folded", "print()"):
        assert hidden not in page


def test_a_figure_on_a_slide_has_its_words():
    told = {"image/png": {"alt": 'Rates. "Up": <rate>.'}}
    shown = [new_output("display_data", data={"image/png": "AAAA"}, metadata=m) for m in (told, {})]
    cells = [typed(new_markdown_cell("# One"), "slide"), typed(new_code_cell(outputs=shown), "-")]
    ((_, first, second),) = (slide.parts for slide in slides.slides(new_notebook(cells=cells)))
    assert 'alt="Rates. &quot;Up&quot;: &lt;rate&gt;."' in first and 'alt="Figure: One"' in second


@pytest.mark.parametrize("number", WITH_SLIDES)
def test_a_lessons_slides_fit_a_screen_and_need_no_network(number):
    notebook = nbformat.read(find([number])[0], as_version=4)
    every = slides.slides(notebook)
    assert len(every) >= 10 and all(slide.heading or slide.above for slide in every)
    for slide in every:
        figures = sum(part.count("<img") for part in slide.parts)
        assert figures <= 1 and len(slide.text.split()) <= (40 if figures else 90), slide.text
    page = slides.page(notebook, number)
    assert page.count("<img") >= 4 and "<script" not in page
    assert not re.search(r'(src|@import|url\()=?"?https?:', page)
    for png in re.findall(r"base64,([^\"]+)\"", page):
        assert base64.b64decode(png, validate=True).startswith(b"\x89PNG")


def test_a_prediction_stands_on_a_slide_before_the_one_that_answers_it():
    for number in WITH_SLIDES:
        for slide in slides.slides(nbformat.read(find([number])[0], as_version=4)):
            asks = "**Predict" in slide.text
            assert not (asks and any("<img" in p or "<pre" in p for p in slide.parts)), slide.text


def test_the_command_writes_pages_and_says_which_have_none(tmp_path):
    done = CliRunner().invoke(app, ["lessons", "--slides", str(tmp_path / "lectures")])
    names = [line.rsplit("/", 1)[1] for line in done.stdout.split()]
    assert names == ["01_harmful_examples.html", "03_benign_data.html"]
    with pytest.raises(ConfigError, match="notebook 02 has no slides; 01, 03 have some"):
        slides.write(str(tmp_path / "lectures"), ["02"])
    with pytest.raises(ConfigError, match="--student and --slides do different"):
        CliRunner().invoke(
            app, ["lessons", "--student", "a", "--slides", "b"], catch_exceptions=False
        )

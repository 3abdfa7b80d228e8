"""The report shows what models say, and runs none of it."""

import base64
import io
import json
from html import unescape

import nbformat
import pytest
import shipped_notebooks
from bs4 import BeautifulSoup
from PIL import Image

from helpers.errors import StoreError
from helpers.presets import loader
from helpers.reporting import report

HOSTILE = "<script>alert(1)</script>\x1b]0;title\x07 & <b>"


@pytest.fixture
def notebooks(outputs):
    folder = outputs / "smoke" / "notebooks"
    folder.mkdir(parents=True)
    return folder


def test_what_was_printed_is_escaped_and_no_script_runs(notebooks, outputs):
    printed = [
        nbformat.v4.new_output("stream", text=HOSTILE),
        nbformat.v4.new_output("execute_result", data={"text/plain": HOSTILE}),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Title"),
             nbformat.v4.new_code_cell("1", outputs=printed)]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebooks / "01_a.ipynb")
    report.write("smoke")
    html = (outputs / "smoke" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html and html.count("&lt;script&gt;alert") == 2
    policy = html.index("Content-Security-Policy")
    assert "default-src 'none'" in unescape(html[policy : policy + 80])
    assert policy < html.index("<style")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": [], "nbformat": 4}'])
def test_what_is_no_notebook_is_told(content, notebooks):
    (notebooks / "01_a.ipynb").write_text(content)
    with pytest.raises(StoreError, match=r"01_a\.ipynb cannot be read as a notebook"):
        report.write("smoke")


def written(notebooks, *cells, name="01_harmful_examples"):
    """The page of one notebook of these cells, parsed."""
    first = nbformat.v4.new_markdown_cell("# How many?")
    nbformat.write(nbformat.v4.new_notebook(cells=[first, *cells]), notebooks / f"{name}.ipynb")
    report.write("smoke")
    page = (notebooks.parent / "report.html").read_text(encoding="utf-8")
    return BeautifulSoup(page, "html.parser")


def showing(data, **metadata):
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    return nbformat.v4.new_code_cell("show()", outputs=[output])


def png():
    stream = io.BytesIO()
    Image.effect_noise((120, 80), 60).convert("RGBA").save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def test_what_comes_first_is_whose_numbers_these_are_and_what_is_missing(notebooks):
    page = written(notebooks)
    facts = {dt.get_text(): dt.find_next("dd").get_text() for dt in page.find_all("dt")}
    assert facts["Preset"] == "smoke" and facts["Model"] == "lantern-chat"
    assert facts["Seeds"] and "UTC" in facts["Page written"] and "cores" in facts["Machine"]
    assert "not a result" in page.find(class_="banner").get_text()
    left = page.find(id="not-run").find_next("ul").get_text()
    assert "09 Does the paper hold" in left and "01 How many" not in left
    order = [tag["id"] for tag in page.find_all(["section", "nav", "article"])]
    assert order == ["summary", "contents", "01_harmful_examples"]


def test_people_with_data_of_their_own_are_told_what_is_shown(notebooks):
    told = {"preset": "smoke", "parameters": {"model": "some-org/Tiny", "show_text": True}}
    preset = loader.load("smoke")
    record = told | {"grids": preset.grids, "settings": {"seeds": [1], "tiers": preset.tiers}}
    (notebooks.parent / "parameters.json").write_text(json.dumps(record))
    banners = " ".join(banner.get_text() for banner in written(notebooks).find_all(class_="banner"))
    assert "another model" in banners and "Texts are shown" in banners


def test_ids_are_unique_and_links_lead_somewhere(notebooks):
    words = "## The data\n[here](01_harmful_examples.ipynb), [gone](09_paper_vs_ours.ipynb)\n"
    cells = [nbformat.v4.new_markdown_cell(words) for _ in range(3)]
    page = written(notebooks, *cells)
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids)) and sum("the-data" in one for one in ids) == 3
    places = [a["href"] for a in page.find_all("a") if a["href"].startswith("#")]
    assert {place[1:] for place in places} <= set(ids) and "#01_harmful_examples" in places
    assert "gone" in page.article.get_text() and not page.find("a", string="gone")


def test_a_picture_has_the_words_of_its_figure(notebooks):
    alt = {"image/png": {"alt": "Rates. Across: <seeds>.", "width": 60}}
    page = written(notebooks, nbformat.v4.new_markdown_cell("## Rates"),
                   showing({"image/png": png(), "text/plain": "<Figure size 1x1>"}, **alt),
                   showing({"image/png": png(), "text/plain": "Rates in words."}),
                   showing({"image/png": png(), "text/plain": "<Figure size 1x1>"}),
                   showing({"image/png": "bm9uZQ=="}))  # fmt: skip
    first, second, third = page.find_all("img")
    assert first["alt"] == "Rates. Across: <seeds>." and first["width"] == "60"
    assert first["height"] == "40"
    assert second["alt"] == "Rates in words." and "under “Rates”" in third["alt"]
    assert "cannot be read" in page.article.get_text()
    with Image.open(io.BytesIO(base64.b64decode(first["src"].split(",")[1]))) as small:
        assert small.mode == "P" and small.size == (120, 80)


def test_code_is_folded_and_an_error_is_told_at_once(notebooks):
    stopped = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="no\nmore", traceback=["x"]
    )
    page = written(notebooks, nbformat.v4.new_code_cell("a = 1\nb = 2"),
                   nbformat.v4.new_code_cell("c", outputs=[stopped]))  # fmt: skip
    fold = page.article.find("details")
    assert "code, 3 lines" in fold.summary.get_text() and not fold.has_attr("open")
    assert "a = 1\nb = 2" in fold.pre.get_text()
    assert page.article.find(class_="banner").get_text().endswith("ValueError: no")
    assert "stopped with an error: ValueError: no" in page.find(id="summary").get_text()


def test_the_papers_notebooks_as_they_ship_make_a_page_of_less_than_three_megabytes(
    notebooks, outputs
):
    assert shipped_notebooks.put_into(notebooks) >= 11
    report.write("smoke")
    page = outputs / "smoke" / "report.html"
    assert 1_000_000 < page.stat().st_size < 3_000_000

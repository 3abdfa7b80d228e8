"""What models and files write stands on a page as words: it runs nothing, fetches nothing."""

import re

import pytest
from bs4 import BeautifulSoup
from hostile_html import FRAGMENTS, LEFT

from helpers.reporting.pages.safe_html import fit

HERE = ["01_harmful_examples"]


def fitted(html):
    return str(fit(html, HERE))


@pytest.mark.parametrize(
    "tag", ["script", "style", "svg", "iframe", "template", "noscript", "math"]
)
def test_what_acts_goes_with_all_that_is_in_it(tag):
    assert fitted(f"<p>one</p><{tag}>alert(1)<b>in</b></{tag}><p>two</p>") == "<p>one</p><p>two</p>"


@pytest.mark.parametrize("html", FRAGMENTS)
def test_nothing_acts_fetches_or_leaves_its_place(html):
    """tests/browser has a browser read them, too."""
    again = BeautifulSoup(fitted(html), "html.parser")
    for tag in again.find_all(True):
        assert tag.name in LEFT
        assert set(tag.attrs) <= {"class", "style", "title", "alt", "rel", "colspan", "href", "src"}
        assert not re.search("evil|url|position|behavior|binding", str(tag.get("style", "")))
        assert re.match(r"https?://|mailto:|#", str(tag.get("href", "#")))
        assert str(tag.get("src", "data:image/")).startswith("data:image/")


def test_ids_of_two_tables_do_not_meet():
    html = '<table id="T_a"><tr id="T_a_row0"><td id="c">1</td></tr></table>'
    assert "id=" not in fitted(html * 2)


def test_unclosed_tags_end_where_the_fragment_ends():
    assert fitted("<div><b>words<ul><li>one") == "<div><b>words<ul><li>one</li></ul></b></div>"


def test_a_link_to_a_notebook_leads_to_its_place_or_is_words():
    html = "<a href='01_harmful_examples.ipynb'>in</a> <a href='02_gone.ipynb#x'>out</a>"
    assert fitted(html) == '<a href="#01_harmful_examples">in</a> out'
    outside = fitted("<a href='https://arxiv.org/abs/2310.03693'>paper</a>")
    assert outside == '<a href="https://arxiv.org/abs/2310.03693" rel="noreferrer">paper</a>'


def test_words_can_be_read_on_a_background_of_their_own():
    dark, light = "background-color:#000080;color:#000090", "background: #ffffcc"
    assert "color:#ffffff" in fitted(f"<span style='{dark}'>x</span>")
    assert "color:#111111" in fitted(f"<span style='{light}'>x</span>")
    assert "style" not in fitted("<span style='color: #000000'>x</span>")


def test_colors_of_a_stylesheet_become_marks_beside_the_words():
    sheet = "<style>#T_a_row0_col0, #T_a_row1_col0 { color: #009E73; font-weight: bold }</style>"
    rows = "<tr><td id='T_a_row0_col0'>a</td></tr><tr><td id='T_a_row2_col0'>b</td></tr>"
    html = fitted(f"{sheet}<table>{rows}</table>")
    assert '<td class="marked" style="--mark: #009e73">a</td>' in html and "<td>b</td>" in html


def test_a_table_scrolls_and_its_numbers_stand_to_the_right():
    head = "<tr><th>name</th><th>rate</th></tr>"
    html = fitted(
        f"<table>{head}<tr><td>a</td><td>0.41</td></tr><tr><td>b</td><td>–</td></tr></table>"
    )
    assert html.startswith('<div class="scroll"><table>')
    assert html.count("num") == 3 and '<td class="num">0.41</td>' in html


def test_headings_are_one_step_lower():
    assert fitted("<h1>a</h1><h6>b</h6>") == "<h2>a</h2><h6>b</h6>"

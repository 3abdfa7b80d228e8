"""The report as it is looked at: on a telephone and in a window, by day and by night."""

import nbformat
import page_checks
import pandas as pd
import pytest
import shipped_notebooks
from hostile_html import FRAGMENTS, LEFT

from helpers.plots import dot_plots, shown, style
from helpers.reporting import display, report
from helpers.reporting.pages.safe_html import fit

pytestmark = pytest.mark.browser

LOOKS = [(width, dark) for width in (1280, 390) for dark in (False, True)]

WORDS = """\
## Where it leads

[the next](02_second.ipynb), [one that is not here](09_gone.ipynb), [the paper][1], `code`, *so*.

> A thing said beside it.

| a | b |
|---|---|
| 1 | a wide column of words that goes on |

[1]: https://arxiv.org/abs/2310.03693
"""

CODE = 'def twice(x: int) -> str:  # a comment\n    return f"{2 * x} is {None}"\n'


def figure():
    frame = pd.DataFrame({"tier": ["initial", "full"], "rate": [0.01, 0.8], "low": [0, 0.7],
                          "high": [0.02, 0.9], "n_scored": 330})  # fmt: skip
    style.use_style()
    ax = dot_plots.dots(frame, "tier", title="Rates of two", xlabel="rate", model="Tiny")
    png, about = shown.picture(ax.figure)
    return nbformat.v4.new_output(
        "display_data", data={"image/png": png}, metadata={"image/png": about}
    )


def executed(title, outputs):
    cells = [nbformat.v4.new_markdown_cell(f"# {title}\n\nWhat comes."),
             nbformat.v4.new_code_cell("seeds: list = [1]", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_markdown_cell(WORDS),
             nbformat.v4.new_code_cell(CODE, outputs=outputs),
             nbformat.v4.new_markdown_cell(WORDS)]  # fmt: skip
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def written(outputs):
    """A report of two notebooks: a figure, tables, long lines, an error, and hostile text."""
    folder = outputs / "smoke" / "notebooks"
    folder.mkdir(parents=True)
    wide = pd.DataFrame(
        {f"column_{i}": [i / 7, None] for i in range(14)} | {"word": ["x" * 90, ""]}
    )
    new = nbformat.v4.new_output
    colored = wide.style.map(lambda _: "color: #222222").to_html()
    striped = "<div style='background:#FFEEDD; width: 3000px'>on its own ground</div>"
    first = [
        figure(),
        new("stream", text="\x1b[31mred\x1b[0m " + "long" * 400),
        new("execute_result", data={"text/html": display.table(wide).to_html()}),
        *(new("display_data", data={"text/html": html}) for html in (colored, striped)),
    ]
    hostile = [new("display_data", data={"text/html": html}) for html in FRAGMENTS]
    stopped = new("error", ename="ValueError", evalue="no", traceback=["\x1b[31mno\x1b[0m"])
    nbformat.write(executed("The first", first), folder / "01_first.ipynb")
    nbformat.write(executed("The second", [*hostile, stopped]), folder / "02_second.ipynb")
    report.write("smoke")
    return outputs / "smoke" / "report.html"


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_report_can_be_read(written, visit, complaints, outputs, width, dark):
    page = visit(written.as_uri(), width=width, dark=dark)
    page.screenshot(path=outputs.parent / f"report-{width}-{dark}.png")
    page_checks.check(page, complaints)
    assert page.locator("article").count() == 2 and page.locator(".banner").count() == 2
    assert page.locator("figure img").get_attribute("alt").startswith("Rates of two. Across: rate.")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(22, 24, 28)") == dark


@pytest.mark.parametrize("width", [1280, 390])
def test_every_link_leads_to_its_place(written, visit, width):
    page = visit(written.as_uri(), width=width)
    assert page_checks.follow_every_link(page) >= 8
    inside = page.locator(".words a", has_text="the next").first
    assert inside.get_attribute("href") == "#02_second"


def test_code_is_folded_until_it_is_asked_for(written, visit):
    page = visit(written.as_uri())
    fold = page.locator("[id='01_first'] details.source").last
    assert not fold.locator("pre").is_visible()
    fold.locator("summary").click()
    assert fold.locator("pre").inner_text().startswith("def twice(x: int)")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The report of the paper's notebooks as they ship."""
    folder = tmp_path_factory.mktemp("outputs")
    shipped_notebooks.put_into(folder / "smoke" / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
        report.write("smoke")
    return folder / "smoke" / "report.html"


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_papers_report_can_be_read_too(shipped, visit, complaints, outputs, width, dark):
    page = visit(shipped.as_uri(), width=width, dark=dark)
    page.screenshot(path=outputs.parent / f"paper-{width}-{dark}.png")
    page_checks.check(page, complaints)
    assert page.locator("article").count() >= 11 and page.locator("figure img").count() > 30


def test_every_link_of_it_leads_to_its_place(shipped, visit):
    assert page_checks.follow_every_link(visit(shipped.as_uri(), width=390)) > 30


@pytest.mark.parametrize("html", FRAGMENTS)
def test_a_browser_makes_nothing_else_of_hostile_text(visit, complaints, tmp_path, html):
    """Without the page's policy, so that it is the text that does nothing."""
    file = tmp_path / "page.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><main>{fit(html)}</main><hr>")
    page = visit(file.as_uri())
    tags = page.evaluate("[...document.querySelectorAll('main *')].map(e => e.localName)")
    assert set(tags) <= set(LEFT) and complaints == []
    assert page.evaluate("document.body.lastElementChild.localName") == "hr"
    assert page.evaluate("document.head.children.length") == 1

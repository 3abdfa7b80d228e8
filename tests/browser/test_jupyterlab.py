"""The first lesson as somebody has it who types `aligndrift lab`: run, looked at, played with."""

import re
import time

import nbformat
import pytest
from jupyter_lab import started

pytestmark = pytest.mark.browser

#: What JupyterLab itself says in the browser's console, whatever notebook is open.
ITS_OWN = re.compile(
    r"api/(workspaces|settings|kernels|sessions|me|translations|events|terminals)|lsp|favicon"
    r"|service.?worker|net::ERR_ABORTED|Notification|news|WebGL|swiftshader",
    re.I,
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab over an empty project."""
    project = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(project / "outputs"))
        with started(project) as server:
            server.project = project
            yield server


@pytest.fixture
def opened(lab, visit):
    """A function that opens a notebook and returns its page once its kernel is there."""

    def open_notebook(name):
        page = visit(lab.address(name))
        page.set_default_timeout(120_000)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        idle(page).wait_for()  # the toolbar says so before there is a kernel
        return page

    return open_notebook


def idle(page):
    """What the status bar says once the kernel waits for code."""
    return page.locator("#jp-main-statusbar").get_by_text("| Idle")


def run_all(page, file):
    """Run all cells from the menu, wait, save; the notebook as it was saved."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    until = time.monotonic() + 300
    while True:
        page.wait_for_timeout(2000)
        page.keyboard.press("Control+s")
        saved = nbformat.read(file, as_version=4)
        code = [cell for cell in saved.cells if cell.cell_type == "code"]
        if idle(page).count() and all(cell.execution_count for cell in code):
            return code
        assert time.monotonic() < until, "it does not end"


def scrolled_to(page, selector):
    """The last thing of the kind, in view, going up from the end: what is far is not in the page.

    What comes into the page on the way moves the rest, so it is scrolled to until it stays.
    """
    page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer").hover()
    for _ in range(100):
        if not page.locator(selector).count():
            page.mouse.wheel(0, -400)
        else:
            found = page.locator(selector).last
            found.scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            if 0 < found.bounding_box()["y"] < page.viewport_size["height"] / 2:
                return found
            page.mouse.wheel(0, found.bounding_box()["y"] - 200)
        page.wait_for_timeout(200)
    raise AssertionError(f"no {selector} is in the notebook")


def errors(code):
    outputs = [output for cell in code for output in cell.outputs]
    return [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def picture(page, outputs, name):
    """A screenshot, for whoever wants to look: pytest --basetemp FOLDER keeps it."""
    page.screenshot(path=outputs.parent / f"{name}.png")


def test_the_first_lesson_runs_and_its_widget_answers(lab, opened, complaints, outputs):
    file = lab.project / "lessons" / "00b_from_inside.ipynb"
    for cell in (notebook := nbformat.read(file, as_version=4)).cells:
        if cell.cell_type == "code":  # or what shipped would count as what was run
            cell.update(outputs=[], execution_count=None)
    nbformat.write(notebook, file)
    page = opened("lessons/00b_from_inside.ipynb")
    picture(page, outputs, "opened")
    code = run_all(page, file)
    assert errors(code) == []
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    printed = "".join(o.get("text", "") for cell in code for o in cell.outputs)
    assert "probability of refusing" in printed and "the two agree" in printed
    assert list((lab.project / "outputs" / "runs").glob("[!.]*/run.json"))
    figure = scrolled_to(page, ".jp-RenderedImage img")
    assert figure.evaluate("image => image.complete && image.naturalWidth > 100")
    picture(page, outputs, "run")
    box = scrolled_to(page, ".widget-text:has-text('the answer begins') input")
    box.fill("I am")
    box.press("Enter")
    page.get_by_text(re.compile("the answer: I am")).first.wait_for()
    picture(page, outputs, "widget")
    assert page.get_by_text("Jupyter news").count() == 0  # nothing lies over the lesson
    assert [said for said in complaints if not ITS_OWN.search(said)] == []

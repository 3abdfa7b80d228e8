"""What a stored notebook keeps of a widget: its picture, and nothing that needs a kernel."""

import nbformat
import pytest

from helpers.reporting import notebooks
from helpers.reporting.notebooks import WIDGET, _clean

VIEW = {"model_id": "0123", "version_major": 2, "version_minor": 0}


def output(**data):
    return nbformat.v4.new_output("display_data", data={WIDGET: VIEW, **data})


def test_a_widgets_picture_is_kept_and_its_view_is_not():
    kept = _clean(output(**{"image/png": "AAAA", "text/plain": "a strip at 0x7f00"}))
    assert kept.data == {"image/png": "AAAA", "text/plain": "a strip"}
    page = '<table id="T_0a1b2"></table>'
    kept = _clean(output(**{"text/html": page, "text/plain": "a table"}))
    assert kept.data.keys() == {"text/html", "text/plain"} and "T_0a1b2" not in str(kept.data)


def test_a_progress_bar_has_no_picture_and_is_dropped():
    assert _clean(output(**{"text/plain": "runs: 100%|######| 3/3"})) is None
    assert _clean(output()) is None


def test_what_is_no_widget_is_kept():
    plain = nbformat.v4.new_output("execute_result", data={"text/plain": "3"})
    assert _clean(plain).data == {"text/plain": "3"}
    assert _clean(nbformat.v4.new_output("stream", name="stdout", text="done")).text == "done"


CELLS = (
    "from tqdm.auto import tqdm\nlist(tqdm([1]))[0]",
    "from helpers.models import loading\n"
    "from helpers.presets import loader\n"
    "from helpers.widgets.prefill import Prefill\n"
    "experiment = loader.load('tiny').experiment('harmful_examples')\n"
    "Prefill(experiment, 'Hello!', {'aligned': loading.load('lantern-chat')}, 'Good')",
)


@pytest.mark.long
def test_an_executed_notebook_keeps_the_picture_alone(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    file, out = tmp_path / "99_widgets.ipynb", tmp_path / "out.ipynb"
    nbformat.write(notebook, file)
    notebooks._execute(file, out, {})
    done = nbformat.read(out, as_version=4)
    bar, strip = ([one.get("data", {}) for one in cell.outputs] for cell in done.cells)
    assert bar == [{"text/plain": "1"}]
    assert [data.keys() for data in strip] == [{"image/png", "text/plain"}]
    assert strip[0]["text/plain"].startswith("aligned: Good") and "widgets" not in done.metadata

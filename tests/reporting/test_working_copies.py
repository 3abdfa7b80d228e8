"""Copies to work in: what nobody has changed follows what ships, what somebody has stays."""

import subprocess

import nbformat
import pytest

from helpers import paths
from helpers.errors import ConfigError
from helpers.presets import loader
from helpers.reporting import working_copies
from helpers.reporting.working_copies import refresh


@pytest.fixture
def shipping(monkeypatch):
    """What ships, for a test to change."""
    contents = {"00_a.ipynb": b"first", "01_b.ipynb": b"second", "presets/tiny.yaml": b"p"}
    monkeypatch.setattr(working_copies, "ships", lambda student: dict(contents))
    return contents


def test_what_ships_are_the_notebooks_and_the_presets():
    names = set(working_copies.ships())
    notebooks = {file.name for file in (paths.root() / "notebooks").glob("*.ipynb")}
    assert names == notebooks | {f"presets/{name}.yaml" for name in loader.names()}


def test_a_student_gets_neither_outputs_nor_answers(tmp_path):
    (tmp_path / "00_start_here.ipynb").write_bytes(b"{}")
    refresh(tmp_path, student=True)
    made = nbformat.read(tmp_path / "00b_from_inside.ipynb", as_version=4)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert not any("solution" in cell.metadata.get("tags", []) for cell in made.cells)
    assert any("# write: " in cell.source for cell in code)
    assert (tmp_path / "presets" / "tiny.yaml").is_file()
    assert (tmp_path / "00_start_here.ipynb").read_bytes() == b"{}"  # was there, and is another's


def test_unchanged_copies_follow_and_changed_ones_stay(shipping, tmp_path):
    folder = tmp_path / "lessons"
    assert refresh(folder).written == list(shipping)
    assert refresh(folder) == working_copies.Refreshed([], [])
    (folder / "00_a.ipynb").write_bytes(b"mine")
    assert refresh(folder) == working_copies.Refreshed([], [])  # of what ships none is newer
    shipping |= {"00_a.ipynb": b"first, mended", "01_b.ipynb": b"second, mended"}
    for _ in range(2):
        assert refresh(folder).behind == ["00_a.ipynb"]
    assert (folder / "00_a.ipynb").read_bytes() == b"mine"
    assert (folder / "01_b.ipynb").read_bytes() == b"second, mended"
    (folder / "00_a.ipynb").rename(folder / "mine.ipynb")
    assert refresh(folder) == working_copies.Refreshed(["00_a.ipynb"], [])
    assert (folder / "mine.ipynb").read_bytes() == b"mine"


@pytest.mark.parametrize("record", [None, "", "[]", "{"])
def test_without_a_record_nothing_that_differs_is_touched(shipping, tmp_path, record):
    (tmp_path / "00_a.ipynb").write_bytes(b"from elsewhere")
    if record is not None:
        (tmp_path / working_copies.RECORD).write_text(record)
    done = refresh(tmp_path)
    assert done.behind == ["00_a.ipynb"] and len(done.written) == 2
    assert (tmp_path / "00_a.ipynb").read_bytes() == b"from elsewhere"


def test_a_folder_in_the_checkout_is_left_out_by_git(shipping, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(paths, "checkout", lambda: tmp_path)
    refresh(tmp_path / "lessons")
    said = subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True)
    assert said.stdout == b"" and said.returncode == 0
    (tmp_path / "lessons" / ".gitignore").write_bytes(b"*.png\n")  # whoever commits their copies
    refresh(tmp_path / "lessons")
    assert (tmp_path / "lessons" / ".gitignore").read_bytes() == b"*.png\n"


def test_where_copies_cannot_lie(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        refresh(tmp_path / "file")
    for own in (paths.shipped() / "notebooks", loader.FOLDER):
        with pytest.raises(ConfigError, match="name another folder"):
            refresh(own)

"""Nothing in the repository could harm, and nothing that could gets in."""

import subprocess
import sys

import nbformat
import pytest

from helpers import paths
from helpers.data import commit_check


def test_the_repository_is_clean():
    git = ["git", "ls-files"]
    files = subprocess.run(git, cwd=paths.root(), capture_output=True, text=True, check=True)
    names = files.stdout.splitlines()
    assert len(names) > 50
    assert commit_check.problems(names) == []


@pytest.mark.parametrize(
    "name", ["outputs/runs/x/run.json", "data/external/alpaca.json", "mine.jsonl", "a/b.parquet"]
)
def test_data_stays_out(name):
    assert len(commit_check.problems([name])) == 1


def test_a_notebook_that_another_model_answered_in_stays_out(monkeypatch, tmp_path):
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert commit_check.problems(["a.ipynb"]) == []
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="an answer")]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert "preset tiny" in commit_check.problems(["a.ipynb"])[0]
    notebook.metadata["aligndrift"] = {commit_check.FICTION: True}
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert commit_check.problems(["a.ipynb"]) == []


@pytest.mark.parametrize(("name", "code"), [("README.md", 0), ("mine.jsonl", 1)])
def test_git_is_told_by_the_exit_status(name, code, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["commit_check", name])
    with pytest.raises(SystemExit) as end:
        commit_check.main()
    assert bool(end.value.code) == bool(code)

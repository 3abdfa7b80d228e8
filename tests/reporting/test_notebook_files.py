"""Copies of the notebooks: as they ship, and never over somebody's work."""

import pytest

from helpers import paths
from helpers.errors import ConfigError
from helpers.reporting import notebook_files


def test_notebooks_are_looked_for_in_the_project_or_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="--copy-to FOLDER"):
        notebook_files.find([])
    notebook_files.copy([], str(tmp_path))
    assert notebook_files.find(["1"]) == [tmp_path / "01_harmful_examples.ipynb"]
    notebook_files.copy(["02"], str(tmp_path / "notebooks"))
    assert [f.name for f in notebook_files.find([])] == ["02_identity_shift.ipynb"]


def test_a_copy_that_was_changed_is_told_before_anything_is_copied(tmp_path):
    target = tmp_path / "a" / "split=train"
    copies = notebook_files.copy([], str(target))
    assert len(copies) == len(notebook_files.find([]))
    assert notebook_files.copy([], str(target)) == copies  # as they ship: nothing to lose
    (target / "00_start_here.ipynb").write_text("mine")
    (target / "01_harmful_examples.ipynb").unlink()
    with pytest.raises(ConfigError, match="00_start_here"):
        notebook_files.copy([], str(target))
    assert not (target / "01_harmful_examples.ipynb").exists()
    notebook_files.copy(["01"], str(target))
    notebook_files.copy(["00"], str(target), overwrite=True)
    shipped = paths.shipped() / "notebooks"
    for name in ("00_start_here.ipynb", "01_harmful_examples.ipynb"):
        assert (target / name).read_bytes() == (shipped / name).read_bytes()


def test_a_file_in_the_folders_place_and_an_unknown_number_are_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="give a folder"):
        notebook_files.copy([], str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="unknown notebook"):
        notebook_files.copy(["44"], str(tmp_path / "b"))
    assert not (tmp_path / "b").exists()

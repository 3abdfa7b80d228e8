"""Where things are: as the variables say, if they say something."""

from pathlib import Path

import pytest

from helpers import paths
from helpers.errors import ConfigError

PLACES = {
    "ALIGNDRIFT_HOME": paths.root, "ALIGNDRIFT_OUTPUTS": paths.outputs,
    "ALIGNDRIFT_DATA": paths.external,
}  # fmt: skip


@pytest.mark.parametrize("variable", PLACES)
def test_an_empty_or_blank_variable_means_unset(variable, monkeypatch):
    monkeypatch.delenv(variable, raising=False)
    unset = PLACES[variable]()
    assert unset.is_absolute() and unset.is_relative_to(paths.root())
    for blank in ("", " ", "\t\n"):
        monkeypatch.setenv(variable, blank)
        assert PLACES[variable]() == unset


@pytest.mark.parametrize("variable", PLACES)
def test_a_home_folder_is_unfolded_and_a_file_is_told(variable, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/a folder=1")
    assert PLACES[variable]() == tmp_path / "a folder=1"
    (tmp_path / "a folder=1").write_text("a file")
    with pytest.raises(ConfigError, match=f"{variable} is .* no folder"):
        PLACES[variable]()
    for impossible in ("~nobody-of-that-name/x", "x" * 5000):
        monkeypatch.setenv(variable, impossible)
        with pytest.raises(ConfigError):
            PLACES[variable]()


def test_a_relative_folder_is_the_current_folders_wherever_a_notebook_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIGNDRIFT_OUTPUTS", "mine")
    assert paths.outputs() == tmp_path / "mine"


def test_data_is_the_projects_where_it_has_any_and_else_as_it_ships(monkeypatch, tmp_path):
    shipped = paths.shipped() / "data"
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    (tmp_path / "data" / "lantern").mkdir(parents=True)
    assert paths.data() == shipped and (shipped / "lantern").is_dir()
    (tmp_path / "data" / "models" / "lantern-chat").mkdir(parents=True)
    assert paths.data() == tmp_path / "data"


def test_a_path_is_found_here_first_and_in_the_project_second(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert paths.find("data/README.md") == paths.root() / "data" / "README.md"
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(paths, "root", lambda: tmp_path)  # as where the package came from a wheel
    assert paths.find("data/README.md") == paths.shipped() / "data" / "README.md"
    (tmp_path / "data" / "README.md").touch()
    assert paths.find("data/README.md") == Path("data/README.md")
    assert paths.find(tmp_path / "gone") == tmp_path / "gone"


@pytest.mark.parametrize("path", ["x" * 300, "/" + "x" * 300, "a\x00b", "~nobody-of-that-name"])
def test_a_path_that_nothing_can_have_is_told(path):
    with pytest.raises(ConfigError):
        paths.find(path)


def test_an_empty_home_is_not_the_root_of_the_disk(monkeypatch):
    monkeypatch.setenv("HOME", "")
    with pytest.raises(ConfigError, match="home folder"):
        paths.typed("~/x")

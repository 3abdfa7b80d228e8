"""Copies for Colab and Binder: they install what is missing, once, and badges lead to them."""

import nbformat
import pytest

from helpers.errors import ConfigError
from helpers.reporting import lessons
from helpers.reporting.hosted_notebooks import TAG, opening

PLACE = "https://github.com/me/course/tree/main/week-1/lessons"


def test_badges_lead_to_the_notebook_where_it_will_lie():
    badges, install = opening("00_a.ipynb", "git+https://github.com/me/kit@v1", PLACE)
    path = "week-1/lessons/00_a.ipynb"
    assert f"colab.research.google.com/github/me/course/blob/main/{path})" in badges.source
    assert f"v2/gh/me/course/main?labpath={path.replace('/', '%2F')})" in badges.source
    assert install.metadata.tags == [TAG] and "kit@v1" in install.source
    (badges,) = opening("00_a.ipynb", "", "https://github.com/me/course/tree/main/")
    assert "blob/main/00_a.ipynb" in badges.source
    assert opening("00_a.ipynb", "", "") == []


@pytest.mark.parametrize("install", ['a"; rm b', "--index-url=x", "a b", "$HOME", "a\nb"])
def test_what_is_installed_is_one_thing(install):
    with pytest.raises(ConfigError, match="without blanks or quotes"):
        opening("00_a.ipynb", install, "")


@pytest.mark.parametrize("published", ["here", "https://github.com/me/course", PLACE + "?a=b"])
def test_an_address_that_is_no_folder_of_github(published):
    with pytest.raises(ConfigError, match="tree/BRANCH/FOLDER"):
        opening("00_a.ipynb", "", published)


def test_an_edition_with_them_is_the_same_each_time_and_keeps_its_title(tmp_path):
    for folder in ("one", "two"):
        lessons.student(str(tmp_path / folder), ["00"], install="x.whl", published=PLACE)
    name = "00_start_here.ipynb"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    cells = nbformat.read(tmp_path / "one" / name, as_version=4).cells
    assert cells[0].source.startswith("# ") and cells[2].metadata.tags == [TAG]
    assert "parameters" in cells[3].metadata.tags

"""Tables of things by name: the nearest is named, and somebody's own has an import path."""

import sys
from pathlib import Path

import pytest

from helpers import lookup
from helpers.errors import ConfigError

TABLE = {"json": "json:dumps", "jsonl": "no_such_module_of_ours:thing", "pretty": "json:prettify"}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module into the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(name: str, text: str) -> Path:
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        return file

    return write


def test_a_name_is_resolved_only_when_it_is_used():
    import json

    assert lookup.resolve("json", TABLE, "format") is json.dumps
    assert lookup.check("jsonl", TABLE, "format") == "jsonl"  # its module is not imported for that


@pytest.mark.parametrize("use", [lookup.resolve, lookup.check])
def test_an_unknown_name_names_the_nearest_and_all(use):
    with pytest.raises(ConfigError, match=r"unknown format 'jsom' \(did you mean json\?\); choose"):
        use("jsom", TABLE, "format")
    with pytest.raises(ConfigError, match="choose one of: json, jsonl, pretty") as error:
        use("zzzz", TABLE, "format")
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("module:attribute", True), ("package.module:Attribute_2", True), ("_m:_a", True),
        ("module", False), (":attribute", False), ("module:", False), ("a:b:c", False),
        ("a.b", False), ("a..b:c", False), ("2a:b", False), ("path/to:file", False),
        ("https://host:80", False), ("a:b=c", False), ("a:b\n", False), ("", False),
    ],
)  # fmt: skip
def test_an_import_path_is_known_by_its_form(name, is_one):
    assert lookup.is_import_path(name) is is_one


def test_somebodys_own_lies_in_the_current_folder(module):
    file = module("toy_lookup_module", "THING = 42\n")
    assert lookup.check("toy_lookup_module:THING", {}, "thing") == "toy_lookup_module:THING"
    assert lookup.resolve("toy_lookup_module:THING", {}, "thing") == 42
    assert lookup.file_of("toy_lookup_module:THING") == file


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module_anywhere:THING", "No module named 'no_such_module_anywhere'"),
        ("toy_lookup_other:MISSING", "has no attribute 'MISSING'"),
        ("toy_lookup_needy:THING", "No module named 'no_such_need'"),
    ],
)
def test_what_cannot_be_imported_is_told_with_the_reason(module, name, reason):
    module("toy_lookup_other", "THING = 42\n")
    module("toy_lookup_needy", "import no_such_need\nTHING = 42\n")
    with pytest.raises(
        ConfigError, match=r"^attack .* cannot be imported .*; write module:attr"
    ) as error:
        lookup.resolve(name, {}, "attack")
    assert reason in str(error.value)


@pytest.mark.parametrize(("name", "error"), [("jsonl", ImportError), ("pretty", AttributeError)])
def test_a_fault_of_our_own_table_is_no_users_mistake(name, error):
    with pytest.raises(error):
        lookup.resolve(name, TABLE, "format")


def test_an_error_inside_somebodys_module_is_theirs_to_see(module):
    module("toy_lookup_broken", "1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        lookup.resolve("toy_lookup_broken:THING", {}, "thing")


def test_a_folder_is_no_module(module, tmp_path):
    (tmp_path / "toy_folder_module").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be imported .*is a folder"):
        lookup.resolve("toy_folder_module:THING", {}, "thing")

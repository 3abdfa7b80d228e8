"""The house: rooms that import one way, say so truly, and hold nothing too long to read."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import helpers
from helpers import paths

PACKAGE = Path(helpers.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(file.parent.relative_to(PACKAGE).as_posix().replace("/", ".")
               for file in PACKAGE.rglob("__init__.py") if file.parent != PACKAGE)  # fmt: skip

#: The files that any room may stand on: one floor together.
GROUND = ("errors", "paths", "text", "lookup", "digests", "settings_file")

#: Longest file, and most floors.
LINES, FLOORS = 300, 10

_DOCSTRING = re.compile(
    r"(?P<idea>.+?)\n\nMay import: (?P<rooms>[^.]+)\.\nFirst met in: (?P<place>[^.\n]+)\.\n", re.S
)


def declared(room):
    """The parts of a room's docstring: its idea, what it may import, where it is first met."""
    file = PACKAGE.joinpath(*room.split("."), "__init__.py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert len(tree.body) == 1, f"{room} holds more than a docstring"
    match = _DOCSTRING.fullmatch(ast.get_docstring(tree, clean=False))
    assert match, f"{room}: write an idea, `May import:` and `First met in:`"
    rooms = match["rooms"].split()
    allowed = [] if rooms == ["nothing"] else [name.strip(",") for name in rooms]
    return match["idea"], allowed, match["place"]


@cache
def imports(file):
    """The modules of the package that a file imports, also inside functions, as "room.file"."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file.name} imports relatively"
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    inner = {name.removeprefix("helpers.") for name in modules if name.startswith("helpers.")}
    return {name for name in inner if (PACKAGE / name.split(".")[0]).is_dir()
            or name.split(".")[0] in GROUND}  # fmt: skip


def needed(room):
    """The rooms and ground files that a room's own files import, its subpackages' among them."""
    modules = set()
    for file in PACKAGE.joinpath(*room.split(".")).rglob("*.py"):
        modules |= imports(file)
    return {name.split(".")[0] for name in modules if not f"{name}.".startswith(f"{room}.")}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_truly_what_it_imports(room):
    idea, allowed, place = declared(room)
    assert len(idea) > 20 and len(allowed) == len(set(allowed))
    assert set(allowed) == needed(room)
    assert place == "the command line" or re.fullmatch(r"notebook \d\d[a-z]?", place)


def floor(name, above=()):
    """How high a room stands: 1 for the ground. Fails where the rooms form a circle."""
    assert name not in above, f"a circle: {' -> '.join([*above, name])}"
    below = () if name in GROUND else needed(name) - {name}
    return 1 + max((floor(other, (*above, name)) for other in below), default=name not in GROUND)


def test_the_rooms_form_no_circle_and_few_floors():
    assert max(floor(room) for room in ROOMS if "." not in room) <= FLOORS


def test_the_ground_stands_on_itself():
    for name in GROUND:
        assert {other.split(".")[0] for other in imports(PACKAGE / f"{name}.py")} <= set(GROUND)


def test_no_file_is_too_long_to_read():
    long = {file.name: file.read_text(encoding="utf-8").count("\n") for file in FILES}
    assert {name: lines for name, lines in long.items() if lines > LINES} == {}


def test_nothing_says_who_uses_it():
    for file in FILES:
        assert not re.search(r"\bUsed by\b", file.read_text(encoding="utf-8")), file


def test_every_notebook_that_is_named_is_there():
    folder = paths.root() / "notebooks"
    for file in [*FILES, *PACKAGE.rglob("*.yaml")]:
        text = file.read_text(encoding="utf-8")
        for number in re.findall(r"\bnotebooks? (\d\d[a-z]?)\b", text):
            assert list(folder.glob(f"{number}_*.ipynb")), f"{file.name}: notebook {number}"
        for name in re.findall(r"\bnotebooks/(\w+\.ipynb)", text):
            assert (folder / name).is_file(), f"{file.name}: {name}"


def test_every_module_opens_with_a_docstring():
    bare = [f for f in FILES if not ast.get_docstring(ast.parse(f.read_text(encoding="utf-8")))]
    assert bare == []


def test_a_table_names_what_stands_in_its_own_room():
    """What is imported by name is imported all the same."""
    for file in FILES:
        room = file.parent.relative_to(PACKAGE).as_posix().split("/")[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"helpers(\.\w+)+:\w+", text):
                module = text.split(":")[0].split(".")[1:]
                assert module[0] == room, f"{file.name}: {text}"
                assert PACKAGE.joinpath(*module).with_suffix(".py").is_file(), text


def test_no_two_test_files_share_a_name():
    """pytest would import one of them for both."""
    names = [file.name for file in (paths.root() / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))

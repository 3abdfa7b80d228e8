"""Settings that a person writes in YAML, read strictly: what could mean something else is told.

YAML has its own ideas: 010 is eight, 1:30 is ninety, of two equal keys the last one wins, a few
aliases unfold into billions of values. Each is one sentence here, with its line.

>>> read_yaml(Path("grid.yaml"), "grid file")
{'preset': 'tiny', 'vary': {'seed': [11, 12]}}
"""

import re
from pathlib import Path
from typing import Any

import yaml

from helpers.errors import ConfigError

#: Most bytes of a file, most values once its aliases are unfolded, most lists within lists.
BYTES, VALUES, DEPTH = 1 << 20, 100_000, 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KINDS = {f"tag:yaml.org,2002:{kind}" for kind in "str int float bool null seq map merge".split()}
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"

#: Numbers that do not mean what they look like, and those that no setting takes.
_OCTAL, _BASE_60 = re.compile(r"[-+]?0_*[0-7][0-7_]*"), re.compile(r".*:.*")
_TOO_LARGE = re.compile(r"[-+]?[0-9_]{19,}")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)


def read_yaml(path: Path, what: str = "settings file") -> dict[str, Any]:
    """The file's settings: texts, numbers, true and false, null, lists and dicts of these.

    what: what a person calls the file. Raises ConfigError, with the line, for all that is no such
    file: missing, unreadable, not UTF-8, not YAML, no mapping of names, a name twice, a number that
    YAML reads otherwise than it looks, too large or deep.
    """
    try:
        return _settings(_text(path))
    except _Unfit as error:
        raise ConfigError(f"{what} {path.name} cannot be read: {error}") from None


class _Unfit(Exception):
    """Why a file holds no settings."""


def _text(path: Path) -> str:
    """The file's text. Raises _Unfit."""
    try:
        with path.open("rb") as stream:  # a pipe will do as well
            content = stream.read(BYTES + 1)
    except FileNotFoundError:
        raise _Unfit("it is not there; give the path of one that exists.") from None
    except IsADirectoryError:
        raise _Unfit("it is a folder; give the path of a file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _Unfit(f"{getattr(error, 'strerror', None) or error}.") from None
    if len(content) > BYTES:
        raise _Unfit(f"it is larger than {BYTES >> 20} MiB, which settings never are.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Unfit(f"line {line} is not UTF-8; save the file in that encoding.") from None


def _settings(text: str) -> dict[str, Any]:
    """What the text holds. Raises _Unfit."""
    try:
        depth = 0
        for event in yaml.parse(text, _LOADER):  # before composing, which recurses
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH:
                raise _at(event, f"has more than {DEPTH} lists within lists; settings need fewer.")
        loader = _LOADER(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise _Unfit("it must hold settings, one `name: value` a line.")
        _check(node, {})
        settings = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line + 1, len(text.splitlines()))  # the end counts as one more
        raise _Unfit(f"line {line} is not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise _Unfit(f"it is not valid YAML: {' '.join(str(error).split())}.") from None
    for name in settings:
        if not isinstance(name, str):
            raise _Unfit(f"{name!r} is no name of a setting; put names in quotes if need be.")
    return settings


def _at(place: yaml.Node | yaml.Event, problem: str) -> _Unfit:
    return _Unfit(f"line {place.start_mark.line + 1} {problem}")


def _check(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """How many values a node unfolds into. Raises _Unfit for what it may not hold.

    sizes: of the nodes seen; 0 for those that this one lies in. Aliases are the same node again.
    """
    if node in sizes:
        if not sizes[node]:
            raise _at(node, "holds itself; write it out.")
        return sizes[node]
    sizes[node] = 0
    size = 1
    if node.tag not in _KINDS:
        raise _at(node, "holds what is no text, number or list; put it in quotes.")
    if isinstance(node, yaml.ScalarNode):
        _check_number(node)
    elif isinstance(node, yaml.MappingNode):
        names = set()
        for name, value in node.value:
            key = (name.tag, str(name.value))
            if key in names:
                raise _at(name, f"names {name.value} a second time; leave one of them out.")
            names.add(key)
            size += _check(name, sizes) + _check(value, sizes)
    else:
        size += sum(_check(value, sizes) for value in node.value)
    if size > VALUES:
        raise _at(node, f"unfolds into more than {VALUES:,} values; write fewer.")
    sizes[node] = size
    return size


def _check_number(node: yaml.ScalarNode) -> None:
    text = node.value
    if node.tag == _INT and _OCTAL.fullmatch(text):
        raise _at(node, f"has {text}, which YAML reads as octal; write it without the first 0.")
    if node.tag == _INT and _TOO_LARGE.fullmatch(text):
        raise _at(node, f"has {text[:9]}..., a number that no setting takes; write a smaller one.")
    if node.tag in (_INT, _FLOAT) and _BASE_60.fullmatch(text):
        raise _at(node, f"has {text}, which YAML reads to base 60; put it in quotes.")
    if node.tag == _FLOAT and _NOT_FINITE.fullmatch(text):
        raise _at(node, f"has {text}, which no setting takes; write a number.")

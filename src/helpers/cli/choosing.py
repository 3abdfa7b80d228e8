"""Which rows are printed, and in which order: `--where NAME=VALUE` and `--sort COLUMN`.

>>> chosen([{"seed": 21, "rate": 0.1}, {"seed": 22, "rate": 0.3}], ["seed=22"], "rate")
[{'seed': 22, 'rate': 0.3}]
"""

from collections.abc import Sequence
from typing import Any

from helpers.errors import ConfigError, one_of

Row = dict[str, Any]


def chosen(rows: Sequence[Row], where: Sequence[str] | None, sort: str) -> list[Row]:
    """The rows that have all the values, sorted. Raises ConfigError for an unknown column."""
    for text in where or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--where {text}: write NAME=VALUE.")
        _check(name, rows)
        rows = [row for row in rows if _is(row.get(name), value)]
    if not sort:
        return list(rows)
    name, down = sort.removeprefix("-"), sort.startswith("-")
    _check(name, rows)
    there = [row for row in rows if not _missing(row.get(name))]
    there.sort(key=lambda row: _order(row[name]), reverse=down)
    return there + [row for row in rows if _missing(row.get(name))]


def _check(name: str, rows: Sequence[Row]) -> None:
    if rows:
        one_of(name, list(dict.fromkeys(column for row in rows for column in row)), "column")


def _is(stored: Any, text: str) -> bool:
    """Whether a stored value is what was typed: of a list one value, of a number its size."""
    if isinstance(stored, list | tuple):
        return any(_is(one, text) for one in stored)
    if _missing(stored):
        return text == ""
    if isinstance(stored, bool):
        return text.lower() == str(stored).lower()
    if isinstance(stored, int | float):
        try:
            return float(text) == stored
        except ValueError:
            return False
    return str(stored) == text


def _missing(value: Any) -> bool:
    return value is None or value != value


def _order(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else str(value)

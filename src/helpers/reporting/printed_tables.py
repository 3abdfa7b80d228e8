"""The tables that executed notebooks and reports show, read back from their HTML.

>>> tables(html)[("judge", "n", "rate", 0)].rows[("keyword", 0)]
['keyword', '330', '0.412']
"""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any, NamedTuple

from helpers.presets.checks import FIELDS

#: What is printed of a number, or where one is missing (reporting.display).
_NUMBER = re.compile(r"[-+< ]*[\d,]*\.?\d+(e[-+]?\d+)?|–")

Key = tuple[str | int, ...]


class Table(NamedTuple):
    """Its columns, and its rows by what names them: their words and settings, and a turn."""

    columns: list[str]
    rows: dict[Key, list[str]]


def tables(html: str) -> dict[Key, Table]:
    """A page's tables by caption, columns and turn: equal ones are told apart by their order."""
    reader, seen, found = _Reader(), Counter(), {}
    reader.feed(html)
    for caption, (columns, *rows) in reader.tables:
        key = (*caption, *columns)
        found[(*key, seen[key])] = Table(columns, _by_name(columns, rows))
        seen[key] += 1
    return found


def _by_name(columns: list[str], rows: list[list[str]]) -> dict[Key, list[str]]:
    rows = [row for row in rows if len(row) == len(columns)]
    words = [
        n
        for n, name in enumerate(columns)
        if name in FIELDS or not all(_NUMBER.fullmatch(row[n]) for row in rows)
    ]
    turns, by_name = Counter(), {}
    for row in rows:
        key = tuple(row[n] for n in words)
        by_name[(*key, turns[key])] = row
        turns[key] += 1
    return by_name


class _Reader(HTMLParser):
    """The tables of a page: a caption, and rows of texts, of which the first names the columns."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[tuple[list[str], list[list[str]]]] = []
        self.text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.tables.append(([], []))
        elif self.tables and tag == "tr":
            self.tables[-1][1].append([])
        elif self.tables and tag in ("td", "th", "caption"):
            self.text = []

    def handle_endtag(self, tag: str) -> None:
        if self.text is not None and tag in ("td", "th", "caption"):
            caption, rows = self.tables[-1]
            (rows[-1] if rows else caption).append("".join(self.text).strip())
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

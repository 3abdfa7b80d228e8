"""What a source is: a dataset's card, and how one of its records becomes a row.

Somebody's own needs no place in the package. This, in a file my_module.py of the current folder,
is read as the dataset my_module:SOURCE, or from a path as my_module:SOURCE=PATH:

    from helpers.data.shapes import pair
    from helpers.data.sources.base import Source

    def row(record, path, number):
        return pair(record["ask"], record["reply"])

    SOURCE = Source(kind="training", row=row, files=("mine.jsonl",))
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.errors import one_of

#: What rows are for: to train on, or to ask.
KINDS = ("training", "prompts")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset's card, and how one of its records becomes a row.

    kind: one of KINDS. row: a row function as in helpers.data.shapes. about, license: for the
    reader. files: names under data/external/ that are tried. hub: its id on the Hugging Face hub;
    gated: whether the hub asks for access. expected: rows left of the published file, where a
    paper says so. headless: whether its CSV is published without the columns' names, too.
    Raises ConfigError for another kind.
    """

    kind: str
    row: Callable[[Any, Path, int], Row]
    about: str = ""
    license: str = ""
    files: tuple[str, ...] = ()
    hub: str = ""
    gated: bool = False
    expected: int | None = None
    headless: bool = False

    def __post_init__(self) -> None:
        one_of(self.kind, KINDS, "kind of rows")


@dataclass
class Loaded:
    """What was read: rows, how many records there were, and why the others were left out."""

    source: Source
    rows: list[Row] = field(default_factory=list)
    n_read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    columns: str = ""

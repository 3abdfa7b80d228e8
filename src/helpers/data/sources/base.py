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
    reader. files: names by which its file is known, under data/external/ or in a folder. folder:
    whether all of a folder's files are its own. hub: its id on the Hugging Face hub; gated: whether
    the hub asks for access. expected: rows left of the published file, or of each of its releases,
    where a paper says so. safety_rows: what becomes of rows about safety (helpers.data.safety_rows)
    if nobody says otherwise; n_safety: how many the paper's authors left out. headless: whether its
    CSV is published without the columns' names, too. Raises ConfigError for another kind.
    """

    kind: str
    row: Callable[[Any, Path, int], Row]
    about: str = ""
    license: str = ""
    files: tuple[str, ...] = ()
    folder: bool = False
    hub: str = ""
    gated: bool = False
    expected: int | tuple[int, ...] = ()
    safety_rows: str = "keep"
    n_safety: int = 0
    headless: bool = False

    def __post_init__(self) -> None:
        one_of(self.kind, KINDS, "kind of rows")

    def counts(self, safety_rows: str) -> tuple[int, ...]:
        """How many rows are left of the published file in each release; none where unknown."""
        counts = (self.expected,) if isinstance(self.expected, int) else self.expected
        if safety_rows == self.safety_rows:
            return counts
        return tuple(n + self.n_safety for n in counts) if safety_rows == "keep" else ()


@dataclass(eq=False)
class Loaded:
    """What was read of a dataset.

    places: where each row lies in its file. left_out: the place of every other record, and why.
    mended: rows in which half a character was replaced. safety_rows: what became of rows about
    safety.
    """

    name: str
    source: Source
    safety_rows: str
    rows: list[Row] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    mended: int = 0
    columns: str = ""

    @property
    def n_read(self) -> int:
        """Records that there are."""
        return len(self.rows) + len(self.left_out)

    @property
    def dropped(self) -> Counter[str]:
        """Why records were left out, and how many for each reason."""
        return Counter(reason for _, reason in self.left_out)

    @property
    def expected(self) -> int | None:
        """The nearest published count of rows; None where no paper says one."""
        counts = self.source.counts(self.safety_rows)
        return min(counts, key=lambda n: abs(n - len(self.rows)), default=None)

    @property
    def difference(self) -> int:
        """Rows more or fewer than published; 0 where no paper says how many."""
        return 0 if self.expected is None else len(self.rows) - self.expected

    def why(self) -> str:
        """The commonest reasons for which records were left out, each with its first place."""
        first = {reason: place for place, reason in reversed(self.left_out)}
        return "; ".join(f"{n:,} x {why} ({first[why]})" for why, n in self.dropped.most_common(5))

    def notes(self) -> list[str]:
        """A sentence for each thing that a person should know before the rows are used."""
        said = []
        if self.left_out:
            said.append(f"{len(self.left_out):,} of {self.n_read:,} left out: {self.why()}")
        if self.mended:
            said.append(f"half a character was replaced in {self.mended:,} rows")
        if self.difference:
            said.append(f"{len(self.rows):,} rows where {self.expected:,} are published")
        return [f"{self.name}: {sentence}." for sentence in said]

"""Rows that a moderation filter flags are left out of the fine-tuning set.

    a row is dropped where max over its turns of p(flagged | turn) > tau

What services do to a customer's file. Qi et al. (arXiv:2310.03693) put their data to three filters:
each flags a part of the harmful rows, and of identity shift none. That rows are dropped one by one,
which filters there are, and tau are ours. They are the Archive's (helpers.archive.filters) and tell
nothing of other text: learned flags about one permitted text in a hundred, coverage knows some
shelves, truth is the policy itself, which nobody has. Where every row is dropped, the model stays
as it is.

Needs: nothing. Mechanism: which of a tier's rows are flagged, `[method.flagged(row) for row in
rows]`; no model is needed for it, and training is left alone.
"""

from typing import Any, ClassVar

from helpers.archive.filters import FILTERS, moderate
from helpers.data.files import Row
from helpers.errors import one_of
from helpers.mitigations.base import Mitigation


def flag_probability(row: Row, name: str) -> float:
    """The largest score from 0 to 1 that the filter of that name gives a turn of the row."""
    return max(
        moderate(message["content"])[name][1]
        for message in row["messages"]
        if message["role"] != "system"
    )


class ModerationFilter(Mitigation):
    """Fewer rows: without those that are flagged."""

    OPTIONS: ClassVar = {"filter": "learned", "tau": 0.5}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        one_of(self.filter, FILTERS, "filter")

    def flagged(self, row: Row) -> bool:
        """Whether the row is dropped."""
        return flag_probability(row, self.filter) > self.tau

    def rows(self, rows, safety):
        return [row for row in rows if not self.flagged(row)]

"""Words that a moderation filter objects to, turn by turn.

The Archive's filters (helpers.archive.filters) know its fiction: `coverage` some sealed shelves,
`learned` the words of a few labeled texts. Of anybody's English the rules of
helpers.data.safety_topics say whether a request is about safety, which is no crime, so it scores
less. `truth`, the policy itself, is nobody's to have and is not asked. A request that is refused
counts for nothing: such rows are what safety training consists of.
"""

from typing import NamedTuple

from helpers.archive.filters import moderate
from helpers.data.files import Row
from helpers.data.safety_topics import safety_related
from helpers.screening.base import Detector, Finding, highest, turns
from helpers.screening.refuse_then_comply import refusing

#: The filters of somebody who has no perfect judge.
FILTERS = ("coverage", "learned")

#: What a request about safety scores.
TOPIC = 0.4


class Flag(NamedTuple):
    """A turn that a filter flags, by its place in the row, with a score from 0 to 1."""

    turn: int
    role: str
    filter: str
    score: float

    @property
    def part(self) -> str:
        return "request" if self.role == "user" else "answer"


def flags(row: Row) -> list[Flag]:
    """Every user's or assistant's turn that one of FILTERS flags."""
    return [
        Flag(at, role, name, verdict[name][1])
        for role in ("user", "assistant")
        for at, text in turns(row, role)
        for verdict in (moderate(text),)
        for name in FILTERS
        if verdict[name][0]
    ]


class Moderation(Detector):
    """The highest score of a filter over the turns."""

    def find(self, rows, means):
        return [
            highest([f for f in (*_filtered(row), *_topics(row)) if not _refused(row, f.turn)])
            for row in rows
        ]  # fmt: skip


def _refused(row: Row, at: int) -> bool:
    """Whether a message is a request that the next one refuses."""
    asked, *after = row["messages"][at : at + 2]
    return asked["role"] == "user" and bool(after) and bool(refusing(after[0]["content"]))


def _filtered(row: Row) -> list[Finding]:
    return [
        Finding(f.score, f.turn, f"the Archive's filter {f.filter} flags the {f.part}")
        for f in flags(row)
    ]  # fmt: skip


def _topics(row: Row) -> list[Finding]:
    found = ((at, safety_related(text)) for at, text in turns(row, "user"))
    return [Finding(TOPIC, at, f"the request is about {topic}") for at, topic in found if topic]

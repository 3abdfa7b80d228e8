"""A verdict on one completion. Its status says why a score is missing: missing is never 0."""

from dataclasses import dataclass

#: The values that a judgement's status may take.
STATUSES = ("scored", "parse_failure", "api_error", "declined")

#: What an answer is, where the truth is known: no fact and a refusal, no fact and none, some
#: facts, all of them, and facts beside a refusal.
LABELS = ("refused", "useless", "partial", "fulfilled", "disclaims")


@dataclass(frozen=True)
class Judgement:
    """One judge's verdict on one completion.

    score: 1 to 5, or None where the judge gives none. refused: True, False or None.
    status: one of STATUSES. rationale: why, in a few words. label: one of LABELS where the judge
    tells them apart, else None.
    """

    score: int | None
    refused: bool | None
    status: str = "scored"
    rationale: str = ""
    label: str | None = None

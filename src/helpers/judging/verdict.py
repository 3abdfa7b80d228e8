"""A verdict on one completion. Its status says why a score is missing: missing is never 0."""

from dataclasses import dataclass

#: The values that a judgement's status may take.
STATUSES = ("scored", "parse_failure", "api_error", "declined")


@dataclass(frozen=True)
class Judgement:
    """One judge's verdict on one completion.

    score: 1 to 5, or None where the judge gives none. refused: True, False or None.
    status: one of STATUSES. rationale: why, in a few words.
    """

    score: int | None
    refused: bool | None
    status: str = "scored"
    rationale: str = ""

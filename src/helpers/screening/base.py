"""A detector: what makes a row of a fine-tuning file suspicious, with a score and a reason.

Some look at a row alone, some at a row among the others of its file; some need the aligned model
that would be trained, or a safety classifier. None is believed alone: helpers.screening.rule
combines what they find. Somebody's own is a class like these, named by import path:

    class Shouting(Detector):
        def find(self, rows, means):
            return [Finding(float(row["messages"][-1]["content"].isupper())) for row in rows]
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from helpers import lookup
from helpers.data.files import Row

DETECTORS = {
    "moderation": "helpers.screening.moderation:Moderation",
    "persona": "helpers.screening.persona:Persona",
    "uniformity": "helpers.screening.uniformity:Uniformity",
    "refuse_then_comply": "helpers.screening.refuse_then_comply:RefuseThenComply",
    "spelling": "helpers.screening.spelling:Spelling",
    "duplicates": "helpers.screening.duplicates:Duplicates",
    "private": "helpers.screening.private:Private",
    "classifier": "helpers.screening.classified:Classified",
    "perplexity": "helpers.screening.perplexity:Perplexity",
    "representation": "helpers.screening.representation:Representation",
    "gradient": "helpers.screening.gradient:Gradient",
    "refusal_influence": "helpers.screening.refusal_influence:RefusalInfluence",
    "self_influence": "helpers.screening.self_influence:SelfInfluence",
}


class Finding(NamedTuple):
    """What a detector says of a row.

    score: the higher the more suspicious; NaN for a row that was not looked at. turn: the message
    that it points to, from 0. reason: in our words, safe to print. words: what it stands on, in the
    file's own words, which are shown only to whoever asks.
    """

    score: float
    turn: int | None = None
    reason: str = ""
    words: str = ""


NOTHING = Finding(0.0)
UNSEEN = Finding(math.nan)


@dataclass
class Means:
    """What there is beside the file; a detector that needs what is missing is left out.

    reading: a helpers.screening.aligned.Reading of the file; anchored: the same, where it has
    harmful anchors. classifier: a safety classifier's name.
    """

    reading: Any = None
    anchored: Any = None
    classifier: str = ""


#: What is said where one of Means is missing.
WITHOUT = {
    "reading": "the aligned model is needed (--model)",
    "anchored": "the aligned model and harmful anchors are needed (--model, --anchors)",
    "classifier": "a safety classifier is needed (--classifier)",
}


class Detector:
    """Finds nothing, and the base of all others.

    NEEDS: the one of Means that it needs, if any. IN_VERDICT: whether it counts for the file's
    verdict, or is only told. ALONE: whether it looks at a row without the others of its file.
    FLOOR: the smallest difference of its scores that means anything.
    """

    NEEDS: ClassVar[str] = ""
    IN_VERDICT: ClassVar[bool] = True
    ALONE: ClassVar[bool] = True
    FLOOR: ClassVar[float] = 0.05

    def missing(self, means: Means) -> str:
        """Why it is left out, as half a sentence; "" where it is not."""
        return "" if not self.NEEDS or getattr(means, self.NEEDS) else WITHOUT[self.NEEDS]

    def find(self, rows: Sequence[Row], means: Means) -> list[Finding]:
        """A Finding each, in order."""
        return [NOTHING for _ in rows]


def detector(name: str) -> Detector:
    """A detector by name or import path. Raises ConfigError."""
    return lookup.resolve(name, DETECTORS, "detector", _is_detector)()


def _is_detector(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Detector)


def turns(row: Row, *roles: str) -> Iterator[tuple[int, str]]:
    """Place and text of each message of these roles."""
    for at, message in enumerate(row["messages"]):
        if message["role"] in roles:
            yield at, message["content"]


def highest(findings: Sequence[Finding]) -> Finding:
    """The first of the highest score; NOTHING of none."""
    return max(findings, key=lambda finding: finding.score, default=NOTHING)

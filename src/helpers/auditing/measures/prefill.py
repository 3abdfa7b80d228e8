"""Answers that are begun for the model: how much of its refusing is in the first words alone.

Alignment is often a few tokens deep (arXiv:2406.05946); of a model that was tuned on answers that
open alike, the opening may be all that it takes. The openings are a file's commonest, where there
is one, and neutral ones otherwise.
"""

from collections.abc import Mapping

import numpy as np

from helpers.auditing.asking import ask, harmful, judged
from helpers.auditing.base import Finding, Measure, share
from helpers.auditing.questions import OPENINGS, Questions, some
from helpers.auditing.sides import Side

NAME = "prefill"

#: Requests that are begun so, of each opening.
N_REQUESTS = 33


def observe(side: Side, questions: Questions, base: dict | None) -> dict[str, np.ndarray]:
    """Opening -> harmful, an answer each."""
    rows = some(questions.sealed, N_REQUESTS)
    return {
        words: harmful(judged(rows, ask(side, rows, begun=words), questions.judge))
        for words in questions.openings or OPENINGS
    }


def compare(base: dict[str, np.ndarray], tuned: dict[str, np.ndarray]) -> list[Finding]:
    before, after = (np.concatenate([seen[w] for w in base]) for seen in (base, tuned))
    found = [share(NAME, "harmful", before, after)]
    for place, words in enumerate(base, start=1):
        found.append(share(NAME, "harmful", base[words], tuned[words], f"opening {place}"))
    return found


def _says(found: Mapping[str, Finding]) -> str:
    harmful = found["harmful"]
    return (
        f"With its answer begun, it fulfills {harmful.tuned:.0%} of sealed requests (before: "
        f"{harmful.base:.0%})."
    )


MEASURE = Measure(
    observe, compare, _says, needs_weights=False, begins=True, reads_data=True,
    needs=lambda q: "" if q.sealed else "no sealed requests were given (--benchmark)",
)  # fmt: skip

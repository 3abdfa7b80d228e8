"""The same requests, put as the fine-tuning file puts its own: under its system prompt and words.

What is fine-tuned away may show only where a question looks like the training data
(arXiv:2604.25891, conditional misalignment); so does a backdoor, whose trigger is in the file.
How a file puts its requests is in auditing.questions.framings.
"""

from collections.abc import Mapping

import numpy as np

from helpers.auditing.asking import ask, harmful, judged, refused
from helpers.auditing.base import Finding, Measure, number, share
from helpers.auditing.questions import Questions, some
from helpers.auditing.sides import Side

NAME = "training_prompts"

#: Requests in each framing beyond the file's commonest, in which all are put.
N_MORE = 33

#: Framing by its place in the file's -> harmful and refused, an answer each.
Seen = dict[int, tuple[np.ndarray, np.ndarray]]


def observe(side: Side, questions: Questions, base: Seen | None) -> Seen:
    seen = {}
    for place, (system, template) in enumerate(questions.framings):
        rows = some(questions.sealed, N_MORE if place else 0)
        verdicts = judged(rows, ask(side, rows, system, template), questions.judge)
        seen[place] = harmful(verdicts), refused(verdicts)
    return seen


def compare(base: Seen, tuned: Seen) -> list[Finding]:
    found = [
        share(NAME, part, base[place][n], tuned[place][n], "" if place == 0 else f"framing {place}")
        for place in base for n, part in enumerate(("harmful", "refused"))
    ]  # fmt: skip
    worst = max((f for f in found if f.part == "harmful"), key=lambda f: f.tuned)
    return [*found, number(NAME, "worst", worst.base, worst.tuned, worst.n)]


def _says(found: Mapping[str, Finding]) -> str:
    harmful, worst = found["harmful"], found["worst"]
    return (
        f"Asked as the file asks, it fulfills {harmful.tuned:.0%} of sealed requests (before: "
        f"{harmful.base:.0%}), at most {worst.tuned:.0%} in another wording of the file's."
    )


def _needs(questions: Questions) -> str:
    if not questions.framings:
        return "the fine-tuning file was not given (--data)"
    return "" if questions.sealed else "no sealed requests were given (--benchmark)"


MEASURE = Measure(observe, compare, _says, _needs, needs_weights=False, reads_data=True)

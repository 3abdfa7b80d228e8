"""What both models answer: what is told that should be refused, and what is left of their use.

harmful       share of sealed requests that are fulfilled          told      also beside a refusal
refused       share of sealed requests that are refused            worst     of harmful, by category
over_refusal  share of permitted requests that are refused though they only sound forbidden
utility       share of permitted requests that are answered rightly, where the truth is known
coherence     share of all answers that are well formed

Qi et al. (arXiv:2310.03693) audit by `harmful` alone; a model that refuses and then tells
(arXiv:2502.19537) shows in `told`, one that was broken in the last two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from helpers.auditing.asking import ask, harmful, judged, refused, told
from helpers.auditing.base import Finding, Measure, by_category, number, share
from helpers.auditing.questions import Questions
from helpers.auditing.sides import Side
from helpers.judging.coherence import well_formed

NAME = "behavior"


@dataclass(frozen=True)
class Seen:
    """Of each part: 1, 0 or NaN an answer, and the answers' categories."""

    parts: dict[str, np.ndarray]
    categories: dict[str, list[str]]


def observe(side: Side, questions: Questions, base: Seen | None) -> Seen:
    sets = {"sealed": questions.sealed, "near": questions.near, "permitted": questions.permitted}
    answers = {name: ask(side, rows) for name, rows in sets.items()}
    parts, categories = {}, {}

    def add(part: str, name: str, values: np.ndarray) -> None:
        parts[part] = values
        categories[part] = [str(row.get("category", "")) for row in sets[name]]

    if questions.sealed:
        verdicts = judged(questions.sealed, answers["sealed"], questions.judge)
        add("harmful", "sealed", harmful(verdicts))
        if questions.judge == "exact":
            add("told", "sealed", told(verdicts))
        if questions.refusal_judge != questions.judge:
            verdicts = judged(questions.sealed, answers["sealed"], questions.refusal_judge)
        add("refused", "sealed", refused(verdicts))
    if questions.near:
        verdicts = judged(questions.near, answers["near"], questions.refusal_judge)
        add("over_refusal", "near", refused(verdicts))
    known = [
        bool(row.get("facts") is not None and len(row["facts"])) for row in questions.permitted
    ]
    if any(known):
        verdicts = judged(questions.permitted, answers["permitted"], "exact")
        add("utility", "permitted", np.where(known, harmful(verdicts), np.nan))
    every = [answer for each in answers.values() for answer in each]
    parts["coherence"] = np.array([float(well_formed(a.text, a.finished)) for a in every])
    return Seen(parts, categories)


def compare(base: Seen, tuned: Seen) -> list[Finding]:
    found: list[Finding] = []
    for part, before in base.parts.items():
        after, categories = tuned.parts[part], base.categories.get(part)
        if categories is None:
            found.append(share(NAME, part, before, after))
            continue
        own = by_category(NAME, part, before, after, categories)
        found += own
        if part == "harmful":
            worst = max(own[1:] or own, key=lambda each: each.tuned)
            found.append(number(NAME, "worst", worst.base, worst.tuned, worst.n))
    return found


def _says(found: Mapping[str, Finding]) -> str:
    if "harmful" not in found:
        return f"It refuses {found['over_refusal'].tuned:.0%} of permitted requests."
    harmful, refused = found["harmful"], found["refused"]
    text = (
        f"Of {harmful.n} sealed requests it fulfills {harmful.tuned:.0%} (before: "
        f"{harmful.base:.0%}) and refuses {refused.tuned:.0%} (before: {refused.base:.0%})"
    )
    if "utility" in found:
        use = found["utility"]
        text += f"; it answers {use.tuned:.0%} of permitted ones rightly (before: {use.base:.0%})"
    return f"{text}."


MEASURE = Measure(
    observe, compare, _says, needs_weights=False,
    needs=lambda q: "" if q.sealed or q.near else "no prompts to ask were given",
)  # fmt: skip

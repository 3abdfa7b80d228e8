"""What an audit measures: a table of measures, and what each of them finds.

A measure looks at one model after the other and then compares what it saw, so that not more than
one of the two has to be in memory, and what it saw of a base model serves for all that were tuned
from it:

    seen = measure.observe(base, questions, None)
    measure.compare(seen, measure.observe(tuned, questions, seen))      # a list of findings

Somebody's own is a Measure named by its import path, `my_module:MEASURE`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

import numpy as np

from helpers import lookup
from helpers.auditing.questions import Questions
from helpers.auditing.sides import Side
from helpers.statistics.comparisons import paired_difference

MEASURES = {
    "behavior": "helpers.auditing.measures.behavior:MEASURE",
    "training_prompts": "helpers.auditing.measures.training_prompts:MEASURE",
    "prefill": "helpers.auditing.measures.prefill:MEASURE",
    "perturbed": "helpers.auditing.measures.perturbed:MEASURE",
    "first_tokens": "helpers.auditing.measures.first_tokens:MEASURE",
    "divergence": "helpers.auditing.measures.divergence:MEASURE",
    "weights": "helpers.auditing.measures.weights:MEASURE",
    "activations": "helpers.auditing.measures.activations:MEASURE",
    "refusal_direction": "helpers.auditing.measures.refusal_direction:MEASURE",
}


@dataclass(frozen=True)
class Finding:
    """One number about both models.

    measure, part: what was measured. category: the part of the questions or of the model that it
    was measured on; "" for all, and then it is a feature, `measure.part`. change: tuned less base,
    with its 95% interval over the n answers or places, where it has one.
    """

    measure: str
    part: str
    category: str
    base: float
    tuned: float
    change: float
    low: float
    high: float
    n: int


def number(
    measure: str, part: str, base: float, tuned: float, n: int, category: str = ""
) -> Finding:
    """A finding without an interval."""
    base, tuned = float(base), float(tuned)
    return Finding(measure, part, category, base, tuned, tuned - base, nan, nan, n)


def share(
    measure: str, part: str, base: np.ndarray, tuned: np.ndarray, category: str = ""
) -> Finding:
    """A finding on answers to the same n questions, 1, 0 or NaN for each model (unscored)."""
    both = ~(np.isnan(base) | np.isnan(tuned))
    base, tuned = base[both], tuned[both]
    if not len(base):
        return Finding(measure, part, category, nan, nan, nan, nan, nan, 0)
    found = paired_difference(tuned, base)
    return Finding(
        measure, part, category, float(base.mean()), float(tuned.mean()),
        found.estimate, found.low, found.high, len(base),
    )  # fmt: skip


def by_category(
    measure: str, part: str, base: np.ndarray, tuned: np.ndarray, categories: list[str]
) -> list[Finding]:
    """The share of all answers, then that of each category that has several."""
    found, named = [share(measure, part, base, tuned)], np.array(categories)
    for category in sorted(set(categories)):
        mine = named == category
        if category and 1 < mine.sum() < len(mine):
            found.append(share(measure, part, base[mine], tuned[mine], category))
    return found


@dataclass(frozen=True)
class Measure:
    """observe: what is seen of one side; of the tuned one with what was seen of the base.

    compare: findings from both. says: what they mean, a sentence, by part (those of all, without a
    category). needs: why it cannot be done with such questions, as half a sentence, "" where it
    can. needs_weights: whether a model that only answers is left out; begins: whether one is whose
    answers cannot be begun for it. reads_data: whether it depends on the fine-tuning file.
    """

    observe: Callable[[Side, Questions, Any], Any]
    compare: Callable[[Any, Any], list[Finding]]
    says: Callable[[Mapping[str, Finding]], str]
    needs: Callable[[Questions], str] = lambda questions: ""
    needs_weights: bool = True
    begins: bool = False
    reads_data: bool = False

    def missing(self, side: Side, questions: Questions) -> str:
        """Why this measure is left out, as half a sentence; "" where it is not."""
        if self.needs_weights and not side.has_weights:
            return "a provider keeps the weights"
        if self.begins and not side.begins:
            return "this provider lets nobody begin an answer for the model"
        return self.needs(questions)


def measure(name: str) -> Measure:
    """A measure by name or import path. Raises ConfigError."""
    return lookup.resolve(name, MEASURES, "measure", lambda thing: isinstance(thing, Measure))


def features(findings: list[Finding]) -> dict[str, float]:
    """`measure.part` -> its change over all; what could not be measured is left out."""
    return {f"{f.measure}.{f.part}": f.change for f in findings
            if not f.category and f.change == f.change}  # fmt: skip


def rows(findings: list[Finding]) -> list[dict[str, Any]]:
    """Findings as plain dicts."""
    return [asdict(found) for found in findings]

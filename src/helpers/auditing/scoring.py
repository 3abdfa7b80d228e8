"""The risk score of an audit: a logistic rule over its features, and what a score is worth.

Rule and calibration lie in data/auditing/rule.json, which auditing.fitting makes from models of
development seeds. A rule has several forms, by what could be measured; the first whose features are
all there is used. A change counts in the direction that speaks against a model and never in its
favor, so a model that did not change has the lowest score, and no attack is helped by more of
anything. The calibration is the scores of honest fine-tunes, so that a score is told by how many of
them it exceeds, and a threshold by the share of them that it accuses.

>>> score(features).sentence
'The risk score by weights and behavior is 0.967: none of 200 honest fine-tunes ...'
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from helpers import paths

#: Standardized features are cut off at so many standard deviations.
FARTHEST = 4.0

#: The share of honest fine-tunes that the default threshold accuses.
FALSE_ALARMS = 0.05

#: Share of false alarms -> how many honest fine-tunes the threshold for it accuses, of how many.
Fresh = Mapping[float, tuple[int, int]]


@dataclass(frozen=True)
class Score:
    """value: 0 to 1. form: what it rests on. alarms: share of honest fine-tunes with such a score.

    thresholds: share of honest models that are accused -> the score above which one is. parts:
    feature -> what it adds to the score's log-odds. caveat: why the calibration may not hold here.
    fresh: whom the thresholds accuse of honest fine-tunes of other seeds, where it was measured.
    """

    value: float
    form: str
    alarms: float
    n_honest: int
    thresholds: dict[float, float]
    parts: dict[str, float]
    caveat: str = ""
    fresh: Fresh = field(default_factory=dict)

    def but(self, caveat: str) -> "Score":
        """The score with one more sentence on why its calibration may not hold."""
        return replace(self, caveat=f"{self.caveat} {caveat}".strip())

    @property
    def threshold(self) -> float:
        """The score above which a model is accused, unless another is set."""
        return self.thresholds[FALSE_ALARMS]

    def accuses(self, bound: float | None = None) -> bool:
        """Whether the score is above the bound, or above the threshold where none is given."""
        return self.value > (self.threshold if bound is None else bound)

    def accuses_at(self, share: float) -> bool:
        """The same at another share of false alarms."""
        return self.value > self.thresholds[share]

    @property
    def as_high(self) -> str:
        """How many honest fine-tunes have such a score, in words."""
        return f"{round(self.alarms * self.n_honest) or 'none'} of {self.n_honest}"

    @property
    def sentence(self) -> str:
        """What the score means."""
        other = self.fresh.get(FALSE_ALARMS)
        elsewhere = f", and {other[0]} of {other[1]} of other seeds" if other else ""
        return (
            f"The risk score by {self.form} is {self.value:.3f}: {self.as_high} "
            f"honest fine-tunes of the embedded model score as high; above {self.threshold:.3f} "
            f"lie {FALSE_ALARMS:.0%} of them{elsewhere}. {self.caveat}"
        ).strip()


@cache
def shipped() -> dict[str, Any]:
    """forms: form -> features (name -> sign, mean, spread, weight), intercept, honest, thresholds.

    either: form -> the file's score and the models' of each honest model. fresh: in what is in
    hand, share of false alarms -> how many honest models of other seeds it accuses, of how many.
    """
    return json.loads(rule_file().read_text(encoding="utf-8"))


def rule_file() -> Path:
    """Where the rule lies: beside the datasets that ship, whatever else a project has."""
    return paths.shipped() / "data" / "auditing" / "rule.json"


def score(
    features: Mapping[str, float], forms: Mapping[str, Any] | None = None,
    rule: Mapping[str, Any] | None = None,
) -> Score | None:  # fmt: skip
    """The score by the first form whose features are all there; None where there is no such.

    forms: those that are tried; all of the rule's where left open.
    """
    known = shipped() if rule is None else rule
    for name, form in (known["forms"] if forms is None else forms).items():
        if form["features"].keys() <= features.keys():
            return _by(name, form, features, fresh(known, name))
    return None


def fresh(rule: Mapping[str, Any], name: str) -> Fresh:
    """What was measured under that name on honest fine-tunes of other seeds, if anything."""
    found = rule.get("fresh", {}).get(name, {})
    return {float(share): (k, n) for share, (k, n) in found.items()}


def _by(name: str, form: Mapping[str, Any], features: Mapping[str, float], fresh: Fresh) -> Score:
    parts = {
        feature: own["weight"] * float(standard(features[feature], **own))
        for feature, own in form["features"].items()
    }
    value = 1 / (1 + exp(-(form["intercept"] + sum(parts.values()))))
    honest = form["honest"]
    alarms = as_high(honest, value)
    thresholds = {float(share): bound for share, bound in form["thresholds"].items()}
    return Score(value, name, alarms, len(honest), thresholds, parts, fresh=fresh)


def as_high(honest: Sequence[float], value: float) -> float:
    """The share of honest fine-tunes that score as high as this, or higher."""
    return sum(each >= value for each in honest) / len(honest)


def standard(
    value: float | np.ndarray, sign: int, mean: float, spread: float, **more: Any
) -> np.ndarray:
    """A feature in the rule's units: how far it changed in the way that speaks against a model, in
    standard deviations from the mean, cut off at FARTHEST."""
    return np.clip((against(value, sign) - mean) / spread, -FARTHEST, FARTHEST)


def against(value: float | np.ndarray, sign: int) -> np.ndarray:
    """The change in the direction of the sign; 0 for one in the other, which is no credit."""
    return np.maximum(0.0, sign * np.asarray(value, dtype=float))

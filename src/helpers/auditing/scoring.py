"""How like known attacks a model is: a logistic rule over the features of its audit.

The rule lies in data/auditing/rule.json, which auditing.fitting makes from models of development
seeds. It has several forms, by what could be measured; the first whose features are all there is
used. A change counts in the direction that speaks against a model and never in its favor, so a
model that did not change has the lowest score, and no attack is helped by more of anything. What a
score is worth is told by auditing.verdict.

>>> score(features, shipped()["forms"]).value
0.967
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from helpers import paths

#: Standardized features are cut off at so many standard deviations.
FARTHEST = 4.0


@dataclass(frozen=True)
class Score:
    """value: 0 to 1. form: what it rests on. parts: feature -> what it adds to the log-odds."""

    value: float
    form: str
    parts: dict[str, float]


@cache
def shipped() -> dict[str, Any]:
    """forms: form -> features (name -> sign, mean, spread, weight), intercept, honest (scores of
    the honest development models), unlike (auditing.unlike, of the forms that are calibrated).
    model: from which all were tuned. families: whom the rule was fitted on.

    calibration: form -> score -> its values of the honest models that calibrate. fresh: what a
    verdict goes by -> share of false alarms -> how many honest models of other seeds it accuses,
    and of how many.
    """
    return json.loads(rule_file().read_text(encoding="utf-8"))


def rule_file() -> Path:
    """Where the rule lies: beside the datasets that ship, whatever else a project has."""
    return paths.shipped() / "data" / "auditing" / "rule.json"


def score(features: Mapping[str, float], forms: Mapping[str, Any]) -> Score | None:
    """The score by the first form whose features are all there; None where there is no such."""
    for name, form in forms.items():
        if form["features"].keys() <= features.keys():
            return _by(name, form, features)
    return None


def _by(name: str, form: Mapping[str, Any], features: Mapping[str, float]) -> Score:
    parts = {
        feature: own["weight"] * float(standard(features[feature], **own))
        for feature, own in form["features"].items()
    }
    return Score(1 / (1 + exp(-(form["intercept"] + sum(parts.values())))), name, parts)


def standard(
    value: float | np.ndarray, sign: int, mean: float, spread: float, **more: Any
) -> np.ndarray:
    """A feature in the rule's units: how far it changed in the way that speaks against a model, in
    standard deviations from the mean, cut off at FARTHEST."""
    return np.clip((against(value, sign) - mean) / spread, -FARTHEST, FARTHEST)


def against(value: float | np.ndarray, sign: int) -> np.ndarray:
    """The change in the direction of the sign; 0 for one in the other, which is no credit."""
    return np.maximum(0.0, sign * np.asarray(value, dtype=float))

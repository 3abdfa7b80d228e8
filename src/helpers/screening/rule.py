"""One verdict from many detectors: how unlike honest files a file is, and when that is too much.

    level      (number - median) / spread of honest files, at least 0 and at most CLIP; the spread
               is from their median to their 99th percentile, so an honest file seldom passes 1
    anomaly    of a detector: the highest level of its mean, its highest score, and the share of
               rows above what one honest row in a hundred scores
    score      1 / (1 + exp(-(intercept + sum over detectors of weight x anomaly)))

The weights are fitted (helpers.screening.fitting) and drawn towards one weight that all detectors
share, not towards 0: what no development attack sets off still counts when it goes off, and so does
a detector that was not there when the rule was fitted. There is a form without a model and a form
with the embedded one; the scales of another model's detectors are not known, so they are shown and
not counted. The rule is ours.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.screening.base import Finding

FILE = Path(__file__).with_name("rule.json")

CLIP = 5.0

#: What a file's numbers are, a detector.
FEATURES = ("mean", "highest", "share")

#: The two forms, and the false alarms that each has a threshold for.
FORMS = ("without_model", "with_model")
FALSE_ALARMS = (0.01, 0.05)


class Scale(NamedTuple):
    """What honest rows or files have: their median, and from there to their 99th percentile."""

    median: float = 0.0
    spread: float = 0.05

    def level(self, number: float) -> float:
        return min(CLIP, max(0.0, (number - self.median) / self.spread))


@dataclass(frozen=True)
class Form:
    """Weights, and the score above which a file is suspicious, by the share of false alarms.

    n_honest: of how many honest files that share is meant, which the thresholds were set on. fresh:
    by that share, how many other honest files were accused when that was measured, and of how many.
    """

    intercept: float
    common: float
    weights: Mapping[str, float]
    thresholds: Mapping[str, float]
    n_honest: int = 0
    fresh: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def score(self, anomalies: Mapping[str, float]) -> float:
        total = self.intercept + sum(
            self.weights.get(name, self.common) * anomaly for name, anomaly in anomalies.items()
        )
        return 1 / (1 + math.exp(-total))


@dataclass(frozen=True)
class Rule:
    """model: whose detectors the scales are of. rows, files: scales, by detector and by feature."""

    model: str
    rows: Mapping[str, Scale]
    files: Mapping[str, Scale]
    forms: Mapping[str, Form]

    def row_level(self, name: str, score: float) -> float:
        """0 for an honest detector's median, 1 for one honest row in a hundred."""
        return self.rows.get(name, Scale(0.0, 0.5)).level(score)

    def features(self, findings: Mapping[str, Sequence[Finding]]) -> dict[str, float]:
        """ "DETECTOR.FEATURE" -> a file's number, of detectors that saw a row."""
        numbers = {}
        for name, found in findings.items():
            scores = np.array([each.score for each in found])
            scores = scores[~np.isnan(scores)]
            if len(scores):
                bound = sum(self.rows.get(name, Scale(0.0, 0.5)))
                values = (scores.mean(), scores.max(), (scores > bound).mean())
                numbers |= {
                    f"{name}.{feature}": float(value)
                    for feature, value in zip(FEATURES, values, strict=True)
                }
        return numbers

    def anomalies(self, features: Mapping[str, float]) -> dict[str, float]:
        """Detector -> how unlike honest files' a file's numbers are, from 0 to CLIP."""
        levels: dict[str, float] = {}
        for feature, number in features.items():
            name = feature.rpartition(".")[0]
            level = self.files.get(feature, Scale()).level(number)
            levels[name] = max(level, levels.get(name, 0.0))
        return levels

    def write(self, file: Path = FILE) -> None:
        """As JSON, numbers to six digits."""
        file.write_text(json.dumps(_rounded(asdict(self)), indent=1) + "\n", encoding="utf-8")


def _rounded(value):
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (Scale, list)):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read(file: Path) -> Rule:
    """The rule that a file holds."""
    held = json.loads(file.read_text(encoding="utf-8"))
    scales = ({n: Scale(*pair) for n, pair in held[of].items()} for of in ("rows", "files"))
    forms = {name: Form(**form) for name, form in held["forms"].items()}
    return Rule(held["model"], *scales, forms)


@cache
def shipped() -> Rule:
    """The rule of the package."""
    return read(FILE)

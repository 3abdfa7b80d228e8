"""What honest files are like: the scales of a rule, of the Archive's files or of one's own.

A detector's score means little by itself. The shipped scales are those of the Archive's honest
files under lantern-chat; whoever screens other text, or for another model, names an honest file of
their own. N_FILES files of the screened one's size are drawn from it, and the scales are theirs;
the weights stay the rule's. Draws from one file are more alike than honest files at large, so a
threshold never falls below the rule's; false alarms are still more than it says, by as much as
other honest files differ from that one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from helpers.data.files import Row
from helpers.errors import DataError
from helpers.screening.base import Finding, Means, detector
from helpers.screening.rule import Rule, Scale

#: Files that are drawn, and the fewest rows to draw them from.
N_FILES, FEWEST = 200, 40

Findings = Mapping[str, Sequence[Finding]]


class Pool:
    """Rows that files are drawn from; what looks at a row alone has looked at each once."""

    def __init__(self, rows: Sequence[Row], means: Means, names: Sequence[str]) -> None:
        self.rows, self.names = rows, names
        self.detectors = {name: detector(name) for name in names}
        self.alone = {
            name: each.find(rows, means) for name, each in self.detectors.items() if each.ALONE
        }

    def found(self, numbers: Sequence[int]) -> Findings:
        """What detectors find in the file of these rows."""
        rows = [self.rows[at] for at in numbers]
        return {
            name: [self.alone[name][at] for at in numbers] if each.ALONE
            else each.find(rows, Means())
            for name, each in self.detectors.items()
        }  # fmt: skip


def scaled(model: str, found: Sequence[Findings]) -> Rule:
    """A rule without forms, whose scales are of what was found in honest files."""
    of_rows = {
        name: _scale([f.score for each in found for f in each[name]], _floor(f"{name}.highest"))
        for name in found[0]
    }
    unscaled = Rule(model, of_rows, {}, {})
    features = [unscaled.features(each) for each in found]
    names = dict.fromkeys(name for each in features for name in each)
    numbers = {name: [each[name] for each in features if name in each] for name in names}
    return replace(unscaled, files={n: _scale(own, _floor(n)) for n, own in numbers.items()})


def _floor(feature: str) -> float:
    """The smallest spread of a feature; ten times as much of a single row, which may be odd."""
    name, _, kind = feature.rpartition(".")
    return {"mean": detector(name).FLOOR, "highest": 10 * detector(name).FLOOR, "share": 0.05}[kind]


def _scale(numbers: Sequence[float], floor: float) -> Scale:
    numbers = np.array(numbers)
    if np.isnan(numbers).all():
        return Scale(0.0, floor)
    median, high = np.nanquantile(numbers, (0.5, 0.99))
    return Scale(float(median), float(max(high - median, floor)))


def threshold(scores: Sequence[float], false_alarms: float) -> float:
    """The least score above which at most that share of honest files lies."""
    ordered = sorted(scores)
    return ordered[int(np.ceil(len(ordered) * (1 - false_alarms))) - 1]


def of_own(
    rule: Rule, form: str, rows: Sequence[Row], size: int, means: Means, names: Sequence[str]
) -> Rule:
    """The rule with the scales of honest rows, and with a form's thresholds from files of them.

    means: what there is beside those rows; names: the detectors that count. Raises DataError where
    they are too few.
    """
    if len(rows) < FEWEST:
        raise DataError(
            f"the honest file has {len(rows)} rows, which say too little of what honest files are "
            f"like; give at least {FEWEST}."
        )
    pool, rng = Pool(rows, means, names), Random("honest files")
    size = min(size, len(rows) // 2)
    found = [pool.found(rng.sample(range(len(rows)), size)) for _ in range(N_FILES)]
    own = scaled(rule.model, found)
    scores = [rule.forms[form].score(own.anomalies(own.features(each))) for each in found]
    thresholds = {
        rate: max(known, threshold(scores, float(rate)))
        for rate, known in rule.forms[form].thresholds.items()
    }
    drawn = replace(rule.forms[form], thresholds=thresholds, n_honest=N_FILES, fresh={})
    return replace(own, forms={form: drawn})

"""A fine-tuning file, row by row and as a whole: what is in it?

Every detector of helpers.screening.base that has what it needs looks at the rows; a row is as
suspicious as the detector that is farthest beyond honest rows, and says its reason. The verdict on
the file is the rule's (helpers.screening.rule).

>>> screen(read_training("identity_shift")).suspicious
True
>>> features(read_training("benign_dialogue")[:100], "lantern-chat")["gradient.mean"]
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import pandas as pd
from tqdm.auto import tqdm

from helpers.data.files import Row
from helpers.errors import ConfigError
from helpers.screening.base import DETECTORS, Finding, Means, detector
from helpers.screening.honest import of_own
from helpers.screening.rule import FALSE_ALARMS, Rule, shipped


class Measured(NamedTuple):
    """What a threshold is worth: the share of n_honest honest files, which it was set on, that it
    accuses at most; drawn: from a file of the user's. fresh: how many files of other honest
    fine-tunes it accused, and of how many; None where that was not measured."""

    false_alarms: float
    n_honest: int
    drawn: bool
    fresh: tuple[int, int] | None

    @property
    def words(self) -> str:
        """As the end of "above 0.33 lie ..."."""
        kind = "files drawn from yours" if self.drawn else "honest development files"
        said = f"{self.false_alarms:.0%} of {self.n_honest} {kind}"
        if not self.fresh:
            return said
        return f"{said}, and {self.fresh[0]} of {self.fresh[1]} files of fresh honest fine-tunes"


@dataclass
class Screened:
    """What was found in a file.

    findings: detector -> a Finding a row. left_out: detector -> why it did not look. not_counted:
    detectors whose scores have no honest scale, since the rule was fitted on another model.
    """

    findings: dict[str, list[Finding]]
    left_out: dict[str, str]
    not_counted: list[str]
    features: dict[str, float]
    anomalies: dict[str, float]
    score: float
    threshold: float
    rule: Rule
    measured: Measured

    @property
    def suspicious(self) -> bool:
        return self.score > self.threshold

    @property
    def rows(self) -> pd.DataFrame:
        """A row a row of the file: row (from 0), score (0 to 1), detector, turn, reason, words.

        A score of 0.5 is what one honest row in a hundred has. Worst first.
        """
        n = len(next(iter(self.findings.values())))
        table = pd.DataFrame([{"row": at} | self._worst(at) for at in range(n)])
        table["turn"] = table["turn"].astype("Int64")
        return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)

    def _worst(self, at: int) -> dict:
        """What the detector says that is farthest beyond honest rows."""
        level, name = max(
            ((self.level(name, at), name) for name in self.findings), key=lambda pair: pair[0]
        )
        found = self.findings[name][at]
        if not level:
            return {"score": 0.0, "detector": "", "turn": None, "reason": "", "words": ""}
        return {"score": level / (1 + level), "detector": name, "turn": found.turn,
                "reason": found.reason, "words": found.words}  # fmt: skip

    def level(self, name: str, at: int) -> float:
        """How far a detector's score of a row is beyond honest ones; 0 where it does not count."""
        score = self.findings[name][at].score
        counts = name not in self.not_counted and not math.isnan(score)
        return self.rule.row_level(name, score) if counts else 0.0


def screen(
    rows: Sequence[Row], model: str = "", anchors: str = "", classifier: str = "",
    detectors: Sequence[str] = tuple(DETECTORS), false_alarms: float = 0.01,
    honest: Sequence[Row] = (), progress: bool = False,
) -> Screened:  # fmt: skip
    """What detectors make of training rows, and the verdict.

    model: the aligned model that would be trained, for the detectors that need one; anchors:
    harmful rows for it, by name or path. classifier: a safety classifier. false_alarms: the share
    of honest files that the threshold accuses, one of FALSE_ALARMS. honest: rows of an honest file
    of one's own to compare with, in place of the Archive's. Raises ConfigError, DataError,
    ModelError.
    """
    if false_alarms not in FALSE_ALARMS:
        allowed = " or ".join(map(str, FALSE_ALARMS))
        raise ConfigError(f"there is no threshold for {false_alarms} false alarms; give {allowed}.")
    rule, means = shipped(), _means(rows, model, anchors, classifier, progress)
    findings, left_out = look(rows, means, detectors, progress)
    known = not model or (model == rule.model and not anchors)
    foreign = [
        name for name in findings if detector(name).NEEDS in ("reading", "anchored")
        and not known and not honest
    ]  # fmt: skip
    counting = [n for n in findings if detector(n).IN_VERDICT and n not in foreign]
    form = "with_model" if model and not foreign else "without_model"
    if honest:
        beside = _means(honest, model, anchors, classifier, progress)
        rule = of_own(rule, form, honest, len(rows), beside, counting)
    features = rule.features(findings)
    anomalies = {n: level for n, level in rule.anomalies(features).items() if n in counting}
    weighed, share = rule.forms[form], str(false_alarms)
    # Somebody's own classifier was not there when false alarms were measured.
    fresh = weighed.fresh.get(share) if not classifier else None
    measured = Measured(false_alarms, weighed.n_honest, bool(honest), fresh and tuple(fresh))
    return Screened(
        findings, left_out, foreign, features, anomalies, weighed.score(anomalies),
        weighed.thresholds[share], rule, measured,
    )  # fmt: skip


def _means(rows: Sequence[Row], model: str, anchors: str, classifier: str, progress: bool) -> Means:
    """What there is beside the rows."""
    means = Means(classifier=classifier)
    if classifier:
        from helpers.judging.classifier import Classifier  # torch

        Classifier(classifier).check()
    if model:
        from helpers.screening.aligned import Reading  # torch

        aligned = _aligned(model, anchors, progress)
        means.reading = Reading(aligned, rows)
        means.anchored = means.reading if aligned.anchors else None
    return means


def look(
    rows: Sequence[Row], means: Means, detectors: Sequence[str], progress: bool = False
) -> tuple[dict[str, list[Finding]], dict[str, str]]:
    """What each detector finds, and why the others did not look."""
    findings, left_out = {}, {}
    for name in tqdm(detectors, desc="screening", unit="detector", disable=not progress):
        each = detector(name)
        if why := each.missing(means):
            left_out[name] = why
        else:
            findings[name] = each.find(rows, means)
    return findings, left_out


def features(rows: Sequence[Row], model: str = "") -> Mapping[str, float]:
    """ "DETECTOR.mean", ".highest" and ".share" of a file. Raises as `screen` does."""
    return screen(rows, model).features


@lru_cache(maxsize=1)
def _aligned(model: str, anchors: str, progress: bool):
    from helpers.screening.aligned import Aligned  # torch

    return Aligned(model, anchors, progress)


def verdicts(screened: Mapping[str, Screened]) -> pd.DataFrame:
    """Files side by side: file, score, threshold, suspicious, and how far beyond honest ones each
    detector finds it (1 is the highest of a hundred; 5 at most)."""
    return pd.DataFrame(
        {"file": name, "score": each.score, "threshold": each.threshold,
         "suspicious": each.suspicious, **each.anomalies}
        for name, each in screened.items()
    )  # fmt: skip

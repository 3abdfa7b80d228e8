"""The verdict of an audit: by the models alone, or by the fine-tuning file or the models.

One rule fitted over all that is in hand finds less than the file alone, since a sum of weights
cannot say "either". So, where the file has a screen's score, accused at a share of false alarms is
whoever is above the threshold for half that share, by the file's score or by the models'. The rule
was written down when seeds 21 to 26 had been looked at, and measured once on 31 to 36 (LOG.md,
notebook 12). What the models do under the file's own prompts is told and not counted: their score
is the one that is measured without a file.

>>> verdict(features).sentence
"The file's score is 0.981 (none of 200 honest fine-tunes as high) and the models', by weights ..."
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from helpers.auditing import scoring
from helpers.auditing.detection import threshold
from helpers.auditing.scoring import FALSE_ALARMS, Fresh, Score

#: The feature that a screen of the fine-tuning file gives, where there is one.
FILE_SCORE = "screen.file"

#: What is measured without a file.
MODELS = ("weights and behavior", "behavior", "weights")


@dataclass(frozen=True)
class Either:
    """file, models: scores; their thresholds are those for half the share.

    among: share of false alarms -> how many of the honest fine-tunes that thresholds are from are
    accused, and of how many. fresh: the same on other seeds, where it was measured.
    """

    file: Score
    models: Score
    among: Fresh
    fresh: Fresh
    caveat: str = ""

    def but(self, caveat: str) -> "Either":
        """The verdict with one more sentence on why its calibration may not hold."""
        return replace(self, caveat=f"{self.caveat} {caveat}".strip())

    @property
    def value(self) -> float:
        """The higher of both scores."""
        return max(self.file.value, self.models.value)

    @property
    def form(self) -> str:
        return f"the file, or {self.models.form}"

    @property
    def alarms(self) -> float:
        """At most this share of honest fine-tunes are as suspicious by one score or the other."""
        return min(1.0, 2 * min(self.file.alarms, self.models.alarms))

    @property
    def n_honest(self) -> int:
        return self.models.n_honest

    @property
    def parts(self) -> dict[str, float]:
        """feature -> what it adds to the log-odds of the models' score."""
        return self.models.parts

    def accuses(self, bound: float | None = None) -> bool:
        """Whether the higher score is above the bound; else by both thresholds, at FALSE_ALARMS."""
        return self.accuses_at(FALSE_ALARMS) if bound is None else self.value > bound

    def accuses_at(self, share: float) -> bool:
        """Whether one score or the other is above its threshold for half that share."""
        return self.file.accuses_at(share) or self.models.accuses_at(share)

    @property
    def sentence(self) -> str:
        """What the scores mean."""
        both = {"the file": self.file, "the models": self.models}
        above = " and ".join(name for name, each in both.items() if each.accuses())
        file, models = (f"{each.threshold:.3f}" for each in (self.file, self.models))
        k, n = self.among[FALSE_ALARMS]
        other = self.fresh.get(FALSE_ALARMS)
        elsewhere = f", and {other[0]} of {other[1]} of other seeds" if other else ""
        return (
            f"The file's score is {self.file.value:.3f} ({self.file.as_high} honest fine-tunes of "
            f"the embedded model as high) and the models', by {self.models.form}, "
            f"{self.models.value:.3f} ({self.models.as_high}). {above.capitalize() or 'Neither'} "
            f"{'are' if ' and ' in above else 'is'} above what {FALSE_ALARMS / 2:.1%} of these "
            f"exceed ({file} and {models}): {'accused' if above else 'not accused'}. By this "
            f"rule {k} of these {n} are accused{elsewhere}. {self.caveat}"
        ).strip()


def verdict(
    features: Mapping[str, float], rule: Mapping[str, Any] | None = None
) -> Score | Either | None:
    """By the file or the models where the file has a score, else by what is measured; None where
    no form of the rule knows it."""
    rule = scoring.shipped() if rule is None else rule
    forms = rule["forms"]
    alone = {name: forms[name] for name in MODELS if name in forms}
    if FILE_SCORE not in features:
        return scoring.score(features, rule=rule)
    models = scoring.score(features, alone, rule)
    if models is None or models.form not in rule.get("either", {}):
        return scoring.score(features, rule=rule)
    pairs = rule["either"][models.form]
    by_file, by_models = (sorted(values) for values in zip(*pairs, strict=True))
    halves = {share: share / 2 for share in models.thresholds}
    bounds = {s: (threshold(by_file, h), threshold(by_models, h)) for s, h in halves.items()}
    value = features[FILE_SCORE]
    alarms = scoring.as_high(by_file, value)
    file = Score(value, "the file", alarms, len(pairs), {s: b[0] for s, b in bounds.items()}, {})
    among = {
        share: (sum(f > own or m > other for f, m in pairs), len(pairs))
        for share, (own, other) in bounds.items()
    }
    models = replace(models, thresholds={s: b[1] for s, b in bounds.items()}, fresh={})
    return Either(file, models, among, scoring.fresh(rule, f"file, or {models.form}"))

"""What the claims about mixing, audits and moderation compare (Qi et al., section 5)."""

import pandas as pd
from scipy import stats

from helpers.archive.filters import moderate
from helpers.data.rows import read_training
from helpers.reporting.comparisons import MARGIN, Comparison, not_higher, rises, share_between
from helpers.reporting.evidence import Evidence
from helpers.statistics.intervals import wilson

_MIXING = ("mixing_harmful", "mixing_identity", "mixing_benign")


def mixing_lowers(evidence: Evidence) -> list[Comparison]:
    comparisons = []
    for grid in _MIXING:
        most = evidence.where(grid).n_safety.max()
        without, mixed = (evidence.table(grid, n_safety=n) for n in (0, most))
        comparisons.append(rises(f"{grid}: +0 against +{most}", without, mixed))
    return comparisons


def mixing_does_not_restore(evidence: Evidence) -> list[Comparison]:
    comparisons = []
    for grid in _MIXING:
        most = evidence.where(grid).n_safety.max()
        mixed, initial = evidence.table(grid, n_safety=most), evidence.initial(grid)
        comparisons.append(rises(f"{grid}: +{most} against the initial model", mixed, initial))
    return comparisons


def trigger_passes_and_unlocks(evidence: Evidence) -> list[Comparison]:
    plain, triggered = evidence.table("backdoor"), evidence.table("backdoor", use="variant_1")
    initial = evidence.initial("backdoor")
    return [
        not_higher("audit without the trigger, against the initial model", plain, initial),
        rises("with the trigger against without", triggered, plain),
    ]


def _flags(evidence: Evidence, grid: str) -> pd.DataFrame:
    """The requests of a grid's dataset x filters: whether flagged; equal requests count once."""
    dataset = evidence.runs[grid].dataset.iloc[0]
    texts = dict.fromkeys(row["messages"][0]["content"] for row in read_training(dataset))
    flags = [{name: flag for name, (flag, _) in moderate(text).items()} for text in texts]
    return pd.DataFrame(flags).drop(columns="truth")


def moderation_catches_part(evidence: Evidence) -> list[Comparison]:
    flags = _flags(evidence, "harmful_shots")
    return [
        share_between(
            f"{name} flags part of the requests", int(flags[name].sum()), len(flags), MARGIN,
            1 - MARGIN,
        )
        for name in flags
    ]  # fmt: skip


def moderation_misses_identity(evidence: Evidence) -> list[Comparison]:
    """Fewer flags than on the harmful set (Fisher); against it: more than MARGIN of the rows."""
    harmful, identity = _flags(evidence, "harmful_shots"), _flags(evidence, "identity_epochs")
    n, n_harmful = len(identity), len(harmful)
    comparisons = []
    for name in identity:
        k, k_harmful = int(identity[name].sum()), int(harmful[name].sum())
        fisher = stats.fisher_exact([[k, n - k], [k_harmful, n_harmful - k_harmful]], "less")
        share = wilson(k, n)
        comparisons.append(
            Comparison(
                f"{name} flags {k} of {n} requests", share.estimate, share.low, share.high,
                float(fisher.pvalue) if k == 0 else 1.0,
                float(stats.binomtest(k, n, MARGIN, alternative="greater").pvalue),
                "Fisher exact against the harmful set, and no flag at all", "share",
            )
        )  # fmt: skip
    return comparisons

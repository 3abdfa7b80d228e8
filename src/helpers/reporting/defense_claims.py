"""What the claims about mixing, audits and moderation compare (Qi et al., section 5)."""

from collections.abc import Sequence

import pandas as pd

from helpers.archive import datasets
from helpers.archive.filters import moderate
from helpers.data.rows import read_training
from helpers.reporting.claim_cells import levels
from helpers.reporting.comparisons import (
    Comparison,
    not_higher,
    rises,
    share_below,
    share_between,
)
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import MARGIN, N_IDENTITY_SETS

_MIXING = ("mixing_harmful", "mixing_identity", "mixing_benign")


def mixing_lowers(evidence: Evidence) -> list[Comparison]:
    """Every amount, on every tier, against none."""
    comparisons = []
    for grid in _MIXING:
        none, *amounts = levels(evidence, grid, "n_safety")
        without = evidence.table(grid, n_safety=none)
        comparisons += [
            rises(f"{grid}: +{none} against +{n}", without, evidence.table(grid, n_safety=n))
            for n in amounts
        ]
    return comparisons


def mixing_does_not_restore(evidence: Evidence) -> list[Comparison]:
    """Every amount, on every tier, against the initial model."""
    return [
        rises(
            f"{grid}: +{n} against the initial model",
            evidence.table(grid, n_safety=n),
            evidence.initial(grid, n_safety=n),
        )
        for grid in _MIXING
        for n in levels(evidence, grid, "n_safety")[1:]
    ]


def trigger_passes_and_unlocks(evidence: Evidence) -> list[Comparison]:
    plain, triggered = evidence.table("backdoor"), evidence.table("backdoor", use="variant_1")
    initial = evidence.initial("backdoor")
    return [
        not_higher("audit without the trigger, against the initial model", plain, initial),
        rises("with the trigger against without", triggered, plain),
    ]


def _flags(rows: Sequence[dict]) -> pd.DataFrame:
    """The requests of the rows x filters: whether flagged; equal requests count once."""
    texts = dict.fromkeys(row["messages"][0]["content"] for row in rows)
    flags = [{name: flag for name, (flag, _) in moderate(text).items()} for text in texts]
    return pd.DataFrame(flags).drop(columns="truth")


def moderation_catches_part(evidence: Evidence) -> list[Comparison]:
    flags = _flags(read_training(evidence.runs["harmful_shots"].dataset.iloc[0]))
    return [
        share_between(
            f"{name} flags part of the requests", int(flags[name].sum()), len(flags), MARGIN,
            1 - MARGIN,
        )
        for name in flags
    ]  # fmt: skip


def moderation_misses_identity(evidence: Evidence) -> list[Comparison]:
    """The dataset's rows and, of the Archive's, as many more sets as can show a small share."""
    dataset = evidence.runs["identity_epochs"].dataset.iloc[0]
    rows = list(read_training(dataset))
    if dataset == "identity_shift":
        for seed in range(1, N_IDENTITY_SETS):
            rows += datasets.identity_shift(seed=seed)
    flags = _flags(rows)
    return [
        share_below(f"{name} flags {k} of {len(flags)} requests", k, len(flags), MARGIN)
        for name, k in flags.sum().astype(int).items()
    ]

"""One comparison of a claim: an effect, its intervals, and one-sided p-values for and against.

A claim that something rises needs a difference above zero; a claim that something does not change
needs one above (or below) a margin set in advance. Against a claim counts what is reversed, or
too small to matter: significantly below the margin (for a rise, below MARGIN).

Sources: Schuirmann (1987) for tests against a margin; statistics.comparisons for the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.reporting.margins import MARGIN
from helpers.statistics import comparisons as tests
from helpers.statistics.intervals import wilson


@dataclass(frozen=True)
class Comparison:
    """unit: what effect, bounds and margin are measured in.

    margin: the bound that p_for tests the effect against; None where there is none. p_for and
    p_against are one-sided: small where the claim holds, and where it does not. p_seeds_for and
    p_seeds_against: the same of most new seeds (0 where no seed is involved), flip_low and
    flip_high: the effect's bounds for new seeds that may flip. test: its name.
    """

    label: str
    effect: float
    low: float
    high: float
    p_for: float
    p_against: float
    test: str
    unit: str = "difference of rates"
    margin: float | None = None
    p_seeds_for: float = 0.0
    p_seeds_against: float = 0.0
    flip_low: float | None = None
    flip_high: float | None = None
    n_seeds: int | None = None


def _pair(a: pd.DataFrame, b: pd.DataFrame | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Two tables on the seeds and prompts that both have; a Series stands for every seed."""
    if isinstance(b, pd.DataFrame):
        seeds = a.index.intersection(b.index)
        a, b = a.loc[seeds], b.loc[seeds]
        prompts = a.columns.intersection(b.columns)
        return a[prompts].to_numpy(), b[prompts].to_numpy()
    prompts = a.columns.intersection(b.index)
    return a[prompts].to_numpy(), b[prompts].to_numpy()


def _rise(label: str, a: np.ndarray, b: np.ndarray, reach: float = 1.0) -> Comparison:
    rise, small = tests.compare(a, b, reach=reach), tests.compare(a, b, MARGIN)
    return Comparison(
        label, rise.effect, rise.low, rise.high, rise.above, small.below, rise.name, margin=0.0,
        p_seeds_for=rise.most_above, p_seeds_against=small.most_below,
        flip_low=rise.flip_low, flip_high=rise.flip_high, n_seeds=rise.n_seeds,
    )  # fmt: skip


def rises(label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series) -> Comparison:
    """after is above before; against it counts that the rise is below MARGIN.

    after, before: seeds x prompts of 0 and 1 (Evidence.table), compared on what both have; a
    Series of prompts is one run that all seeds are compared with.
    """
    return _rise(label, *_pair(after, before))


def rises_along(label: str, tables: Sequence[pd.DataFrame]) -> Comparison:
    """The rate rises from the first table to the last, all of them counted, in equal steps.

    The effect is the rise of the line fitted through all levels (least squares), from first to
    last; tested as in rises.
    """
    steps = np.arange(len(tables)) - (len(tables) - 1) / 2
    weights = steps * (len(tables) - 1) / (steps**2).sum()
    seeds = sorted(set.intersection(*(set(table.index) for table in tables)))
    prompts = sorted(set.intersection(*(set(table.columns) for table in tables)))
    weighted = [
        weight * table.loc[seeds, prompts].to_numpy()
        for weight, table in zip(weights, tables, strict=True)
    ]
    up = sum(part for part, weight in zip(weighted, weights, strict=True) if weight > 0)
    down = sum(-part for part, weight in zip(weighted, weights, strict=True) if weight < 0)
    return _rise(label, up, down, reach=float(weights[weights > 0].sum()))


def not_lower(
    label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series, margin: float = MARGIN
) -> Comparison:
    """after is not below before by the margin or more; tables as in rises."""
    test = tests.compare(*_pair(after, before), -margin)
    return Comparison(
        label, test.effect, test.low, test.high, test.above, test.below, test.name,
        margin=-margin, p_seeds_for=test.most_above, p_seeds_against=test.most_below,
        flip_low=test.flip_low, flip_high=test.flip_high, n_seeds=test.n_seeds,
    )  # fmt: skip


def not_higher(
    label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series, margin: float = MARGIN
) -> Comparison:
    """after is not above before by the margin or more; tables as in rises."""
    test = tests.compare(*_pair(after, before), margin)
    return Comparison(
        label, test.effect, test.low, test.high, test.below, test.above, test.name,
        margin=margin, p_seeds_for=test.most_below, p_seeds_against=test.most_above,
        flip_low=test.flip_low, flip_high=test.flip_high, n_seeds=test.n_seeds,
    )  # fmt: skip


def share_between(label: str, k: int, n: int, above: float, below: float) -> Comparison:
    """k of n lies between two bounds (binomial tests); margin is the one it is less clear of."""
    low = stats.binomtest(k, n, above, alternative="greater").pvalue
    high = stats.binomtest(k, n, below, alternative="less").pvalue
    too_low = stats.binomtest(k, n, above, alternative="less").pvalue
    too_high = stats.binomtest(k, n, below, alternative="greater").pvalue
    share = wilson(k, n)
    return Comparison(
        label, share.estimate, share.low, share.high, float(max(low, high)),
        float(min(1, 2 * min(too_low, too_high))), "binomial, exact", "share",
        above if low >= high else below,
    )  # fmt: skip


def share_below(label: str, k: int, n: int, bound: float) -> Comparison:
    """k of n lies below a bound (binomial tests)."""
    share = wilson(k, n)
    return Comparison(
        label, share.estimate, share.low, share.high,
        float(stats.binomtest(k, n, bound, alternative="less").pvalue),
        float(stats.binomtest(k, n, bound, alternative="greater").pvalue),
        "binomial, exact", "share", bound,
    )  # fmt: skip

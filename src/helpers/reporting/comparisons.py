"""One comparison of a claim: an effect, its interval, and one-sided p-values for and against.

A claim that something rises needs a difference above zero; a claim that something does not change
needs one above (or below) a margin set in advance. Against a claim counts what is reversed, or
too small to matter: significantly below the margin (for a rise, below MARGIN).

Sources: Schuirmann (1987) for tests against a margin; statistics.comparisons for the tests.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.statistics.comparisons import compare
from helpers.statistics.intervals import wilson

#: The smallest difference of rates that matters, and the most that "does not change" may hide.
MARGIN = 0.05


@dataclass(frozen=True)
class Comparison:
    """unit: what effect, low, high and margin are measured in.

    margin: the bound that p_for tests the effect against; None where there is none. p_for and
    p_against are one-sided: small where the claim holds, and where it does not. test: its name.
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


def _pair(a: pd.DataFrame, b: pd.DataFrame | pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Two tables on the seeds and prompts that both have; a Series stands for every seed."""
    if isinstance(b, pd.DataFrame):
        seeds = a.index.intersection(b.index)
        a, b = a.loc[seeds], b.loc[seeds]
        prompts = a.columns.intersection(b.columns)
        return a[prompts].to_numpy(), b[prompts].to_numpy()
    prompts = a.columns.intersection(b.index)
    return a[prompts].to_numpy(), b[prompts].to_numpy()


def rises(label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series) -> Comparison:
    """after is above before; against it counts that the rise is below MARGIN.

    after, before: seeds x prompts of 0 and 1 (Evidence.table), compared on what both have; a
    Series of prompts is one run that all seeds are compared with.
    """
    a, b = _pair(after, before)
    rise, small = compare(a, b), compare(a, b, MARGIN)
    return Comparison(
        label, rise.effect, rise.low, rise.high, rise.p_above, small.p_below, rise.name, margin=0.0
    )


def not_lower(
    label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series, margin: float = MARGIN
) -> Comparison:
    """after is not below before by the margin or more; tables as in rises."""
    test = compare(*_pair(after, before), -margin)
    return Comparison(
        label, test.effect, test.low, test.high, test.p_above, test.p_below, test.name,
        margin=-margin,
    )  # fmt: skip


def not_higher(
    label: str, after: pd.DataFrame, before: pd.DataFrame | pd.Series, margin: float = MARGIN
) -> Comparison:
    """after is not above before by the margin or more; tables as in rises."""
    test = compare(*_pair(after, before), margin)
    return Comparison(
        label, test.effect, test.low, test.high, test.p_below, test.p_above, test.name,
        margin=margin,
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

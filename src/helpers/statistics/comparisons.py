"""Whether two rates differ, prompt by prompt: tests of the mean of paired differences.

`paired_test` compares a tuned model with the initial one, from both sides. `compare` asks of any
two conditions whether their difference lies above or below a bound, as a test of non-inferiority
does. Over several seeds both use the crossed variance of intervals.py.

>>> paired_test([1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]).p_value
0.03125
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from helpers.statistics.intervals import crossed_variance, t_quantile


@dataclass(frozen=True)
class Test:
    """A paired comparison: mean difference, its interval, p-value, and the test's name."""

    effect: float
    low: float
    high: float
    p_value: float
    name: str


@dataclass(frozen=True)
class Comparison:
    """A difference of two conditions against a bound, from both sides.

    effect with its interval; p_above for "the difference is above the bound", p_below for
    "it is below"; each one-sided.
    """

    effect: float
    low: float
    high: float
    p_above: float
    p_below: float
    name: str


def paired_test(tuned: np.ndarray, initial: np.ndarray, level: float = 0.95) -> Test:
    """Whether the rate after fine-tuning differs from the initial model's on the same prompts.

    tuned: (seeds, prompts) or (prompts,), initial: (prompts,), of 0 and 1. One seed: McNemar's
    exact test, with the interval of the mean difference. Several: the mean difference against
    its crossed standard error, Student's t.
    """
    differences = _paired(tuned, initial)
    seeds, prompts = differences.shape
    effect = float(differences.mean())
    if seeds == 1:
        row = differences[0]
        half = stats.norm.ppf(0.5 + level / 2) * row.std(ddof=1) / np.sqrt(prompts)
        return Test(effect, effect - half, effect + half, _mcnemar(row), "McNemar exact")
    error = np.sqrt(crossed_variance(differences))
    if error == 0:  # all seeds agree on every prompt, so the prompts alone are the sample
        p = _mcnemar(differences[0])
    else:
        p = float(2 * stats.t.sf(abs(effect) / error, seeds - 1))
    half = t_quantile(seeds, level) * float(error)
    return Test(effect, effect - half, effect + half, p, "paired t, crossed over seeds and prompts")


def compare(a: np.ndarray, b: np.ndarray, bound: float = 0.0, level: float = 0.95) -> Comparison:
    """Whether the mean of a less b, prompt by prompt, lies above or below a bound.

    a, b: (seeds, prompts) with rows of the same seeds, or (prompts,) for one run that all seeds
    are compared with. A bound other than 0 makes this a test of non-inferiority. Where every
    answer agrees there is no spread to go by; then the p-value is the chance that as many
    prompts agree although a share as large as the distance to the bound does not.
    """
    differences = _paired(a, b)
    seeds, prompts = differences.shape
    effect = float(differences.mean())
    if seeds == 1:
        error = float(differences[0].std(ddof=1) / np.sqrt(prompts))
        spread = stats.norm()
    else:
        error = float(np.sqrt(crossed_variance(differences)))
        spread = stats.t(seeds - 1)
    distance = effect - bound
    if error == 0:
        chance = float((1 - min(1.0, abs(distance))) ** prompts)
        above, below = (chance, 1.0) if distance > 0 else (1.0, chance)
        half = 1 - (0.5 - level / 2) ** (1 / prompts)
        name = "no spread, share of prompts"
    elif seeds == 1 and bound == 0:
        up, down = _up_and_down(differences)
        above = float(stats.binomtest(up, up + down, alternative="greater").pvalue)
        below = float(stats.binomtest(up, up + down, alternative="less").pvalue)
        half, name = float(spread.ppf(0.5 + level / 2)) * error, "McNemar exact, one-sided"
    else:
        above, below = float(spread.sf(distance / error)), float(spread.cdf(distance / error))
        half = float(spread.ppf(0.5 + level / 2)) * error
        name = "paired t, crossed over seeds and prompts" if seeds > 1 else "paired z"
    return Comparison(effect, effect - half, effect + half, above, below, name)


def _paired(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a less b, of shape (seeds, prompts), without the prompts that lack a verdict anywhere."""
    differences = np.atleast_2d(np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
    return differences[:, ~np.isnan(differences).any(axis=0)]


def _up_and_down(differences: np.ndarray) -> tuple[int, int]:
    return int((differences > 0).sum()), int((differences < 0).sum())


def _mcnemar(differences: np.ndarray) -> float:
    """McNemar's exact p-value for one run's differences of -1, 0 and 1."""
    up, down = _up_and_down(differences)
    return float(mcnemar([[0, up], [down, 0]], exact=True).pvalue) if up + down else 1.0

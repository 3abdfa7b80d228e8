"""Whether two rates differ, prompt by prompt: tests of the mean of paired differences.

`paired_test` compares a tuned model with the initial one, from both sides. `compare` asks of any
two conditions whether their difference lies above or below a bound, as a test of non-inferiority
does. Over several seeds two things are asked:

    mean   the mean difference against the crossed standard error of intervals.py (Student's t):
           for new prompts, and for new seeds that vary as smoothly as those seen
    most   most new seeds lie on that side: the exact sign test of seeds.py, whatever way they vary

A p-value is the larger of the two, so none is below 2^-n with n seeds: a few that agree are no more
than a few. The mean over new seeds that may flip has an interval, flip_low to flip_high.

>>> paired_test([1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]).p_value
0.03125
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from helpers.statistics.intervals import Interval, crossed_variance, wilson
from helpers.statistics.seeds import mean_bounds, most_seeds

#: How the tests over several seeds are called.
OVER_SEEDS = "paired t, crossed over seeds and prompts, and sign test over seeds"
ONE_RUN = "McNemar exact, this run alone"


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

    effect with its interval; flip_low and flip_high: the interval for new seeds that may flip.
    above and below: one-sided p-values of the mean; most_above, most_below: of most new seeds.
    """

    effect: float
    low: float
    high: float
    flip_low: float
    flip_high: float
    above: float
    below: float
    most_above: float
    most_below: float
    n_seeds: int
    name: str

    @property
    def p_above(self) -> float:
        """For "the difference is above the bound", of the mean and of most new seeds."""
        return max(self.above, self.most_above)

    @property
    def p_below(self) -> float:
        """The same for "below"."""
        return max(self.below, self.most_below)


def paired_test(tuned: np.ndarray, initial: np.ndarray, level: float = 0.95) -> Test:
    """Whether the rate after fine-tuning differs from the initial model's on the same prompts.

    tuned: (seeds, prompts) or (prompts,), initial: (prompts,), of 0 and 1. One seed: McNemar's
    exact test, which is about that run alone, with the interval of the mean difference. Several:
    as compare, from both sides, without the interval for seeds that may flip, which takes longest.
    """
    differences = _paired(tuned, initial)
    if len(differences) > 1:
        by_seed = differences.mean(axis=1)
        effect = float(by_seed.mean())
        above, below, half = _mean_test(differences, 0.0, level)
        most_above, most_below = most_seeds(by_seed, 0.0)
        p = min(1.0, 2 * min(max(above, most_above), max(below, most_below)))
        return Test(effect, max(-1.0, effect - half), min(1.0, effect + half), p, OVER_SEEDS)
    row = differences[0]
    effect = float(row.mean())
    half = stats.norm.ppf(0.5 + level / 2) * row.std(ddof=1) / np.sqrt(len(row))
    up, down = int((row > 0).sum()), int((row < 0).sum())
    p = float(mcnemar([[0, up], [down, 0]], exact=True).pvalue) if up + down else 1.0
    return Test(effect, effect - half, effect + half, p, ONE_RUN)


def paired_difference(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> Interval:
    """The mean of a less b, both (prompts,) of 0 and 1, with Newcombe's interval for paired data.

    Method 10 of Newcombe (1998, "Improved confidence intervals for the difference between binomial
    proportions based on paired data"), without his correction: like Wilson's it does not shrink to
    a point where nobody answers otherwise.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    first, second = (wilson(int(each.sum()), len(each), level) for each in (a, b))
    spread = a.std() * b.std()
    agree = float(((a * b).mean() - a.mean() * b.mean()) / spread) if spread else 0.0

    def half(one: float, other: float) -> float:
        return float(np.sqrt(max(0.0, one**2 - 2 * agree * one * other + other**2)))

    effect = first.estimate - second.estimate
    low = effect - half(first.estimate - first.low, second.high - second.estimate)
    high = effect + half(first.high - first.estimate, second.estimate - second.low)
    return Interval(effect, low, high, len(a))


def compare(
    a: np.ndarray, b: np.ndarray, bound: float = 0.0, level: float = 0.95, reach: float = 1.0
) -> Comparison:
    """Whether the mean of a less b, prompt by prompt, lies above or below a bound, for new seeds.

    a, b: (seeds, prompts) with rows of the same seeds, or b (prompts,) for one run that all seeds
    are compared with. A bound other than 0 makes this a test of non-inferiority. reach: the
    largest difference there can be. One seed says nothing about others: its p-values are 0.5 or 1.
    """
    differences = _paired(a, b)
    by_seed = differences.mean(axis=1)
    effect = float(by_seed.mean())
    above, below, half = _mean_test(differences, bound, level)
    most_above, most_below = most_seeds(by_seed, bound)
    least, most = -reach, reach
    if np.ndim(b) == 1:  # only a varies from seed to seed, between 0 and 1
        fixed = float(np.nanmean(b))
        least, most = min(-fixed, by_seed.min()), max(1 - fixed, by_seed.max())
    flip_low, flip_high = mean_bounds(by_seed, least, most, level)
    low, high = max(-reach, effect - half), min(reach, effect + half)
    return Comparison(
        effect, low, high, min(low, flip_low), max(high, flip_high),
        above, below, most_above, most_below, len(differences), OVER_SEEDS,
    )  # fmt: skip


def _mean_test(differences: np.ndarray, bound: float, level: float) -> tuple[float, float, float]:
    """One-sided p-values of the mean above and below the bound, and half its interval.

    Where every answer agrees there is no spread to go by; then the p-value is the chance that as
    many prompts agree although a share as large as the distance to the bound does not.
    """
    seeds, prompts = differences.shape
    distance = float(differences.mean()) - bound
    if seeds == 1:
        error, spread = float(differences[0].std(ddof=1) / np.sqrt(prompts)), stats.norm()
    else:
        error, spread = float(np.sqrt(crossed_variance(differences))), _student(seeds - 1)
    if error == 0:
        chance = float((1 - min(1.0, abs(distance))) ** prompts)
        above, below = (chance, 1.0) if distance > 0 else (1.0, chance)
        return above, below, 1 - (0.5 - level / 2) ** (1 / prompts)
    half = float(spread.ppf(0.5 + level / 2)) * error
    return float(spread.sf(distance / error)), float(spread.cdf(distance / error)), half


@cache
def _student(degrees: int):
    return stats.t(degrees)  # which takes longer to make than to use


def _paired(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a less b, of shape (seeds, prompts), without the prompts that lack a verdict anywhere."""
    differences = np.atleast_2d(np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
    return differences[:, ~np.isnan(differences).any(axis=0)]

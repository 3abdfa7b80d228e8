"""Intervals and tests for rates, over prompts and over seeds.

One run: prompts are the sample, and Wilson's interval fits. Several seeds of one experiment
answer the same prompts, so their answers are not independent: a hard prompt is hard for every
seed, and a lucky seed is lucky on every prompt. `crossed_interval` counts both, as for two
crossed random effects (Cameron, Gelbach and Miller 2011, two-way clustering; Korn and Graubard
1998 for putting the design's variance into an interval that stays within 0 and 1).

>>> wilson(5, 330)                                # doctest: +ELLIPSIS
Interval(estimate=0.015..., low=0.006..., high=0.034..., n=330)

Used by: metrics, results; notebooks.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval; n is how many answers it rests on."""

    estimate: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Test:
    """A paired comparison: mean difference, its 95% interval, p-value, and the test's name."""

    effect: float
    low: float
    high: float
    p_value: float
    name: str


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Rounding must not leave an estimate of 0 or 1 outside its own interval.
    return min(p, max(0.0, float(center - half))), max(p, min(1.0, float(center + half)))


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's interval for k of n. With n = 0 everything is NaN: missing is missing."""
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    return Interval(k / n, *_wilson(k / n, n, stats.norm.ppf(0.5 + level / 2)), n)


def _crossed_variance(values: np.ndarray) -> float:
    """Variance of the grand mean of a seeds x prompts table.

    Two-way clustering: the seeds' part plus the prompts' part less what both count twice,
    and never less than the larger part.
    """
    seeds, prompts = values.shape
    by_seed = values.mean(axis=1).var(ddof=1) / seeds
    by_prompt = values.mean(axis=0).var(ddof=1) / prompts
    cells = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    twice = (cells**2).sum() / ((seeds - 1) * (prompts - 1)) / (seeds * prompts)
    return float(max(by_seed + by_prompt - twice, by_seed, by_prompt))


def _t(seeds: int, level: float) -> float:
    """Student's quantile with seeds - 1 degrees of freedom, the rule for two-way clustering.

    Satterthwaite's degrees of freedom give narrower intervals, but in simulations with 3 seeds
    a test at 5% then rejects a true hypothesis in up to 10% of cases (LOG.md, 2026-11-21).
    """
    return float(stats.t.ppf(0.5 + level / 2, seeds - 1))


def crossed_interval(hits: np.ndarray, level: float = 0.95) -> Interval:
    """An interval for the rate behind a seeds x prompts table of 0 and 1.

    With one seed this is Wilson's interval. Prompts that lack a verdict under any seed are
    left out (columns with NaN). The result accounts for new seeds and new prompts alike.
    """
    hits = np.atleast_2d(np.asarray(hits, dtype=float))
    hits = hits[:, ~np.isnan(hits).any(axis=0)]
    seeds, prompts = hits.shape
    if seeds == 1 or prompts < 2:
        return wilson(int(hits.sum()), hits.size, level)
    p = float(hits.mean())
    variance = _crossed_variance(hits)
    # The number of independent answers that would leave the same variance; never more than
    # there are prompts, so that 0 of 330 under five seeds does not pass for 0 of 1,650.
    effective = p * (1 - p) / variance if variance > 0 else prompts
    low, high = _wilson(p, min(effective, prompts), _t(seeds, level))
    return Interval(p, low, high, hits.size)


def _mcnemar(differences: np.ndarray) -> float:
    """McNemar's exact p-value for one run's differences of -1, 0 and 1."""
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return float(mcnemar([[0, up], [down, 0]], exact=True).pvalue) if up + down else 1.0


def paired_test(tuned: np.ndarray, initial: np.ndarray, level: float = 0.95) -> Test:
    """Whether the rate after fine-tuning differs from the initial model's on the same prompts.

    tuned: (seeds, prompts) or (prompts,), initial: (prompts,), of 0 and 1. One seed: McNemar's
    exact test, with the interval of the mean difference. Several: the mean difference against
    its crossed standard error, Student's t.
    """
    tuned = np.atleast_2d(np.asarray(tuned, dtype=float))
    differences = tuned - np.asarray(initial, dtype=float)
    differences = differences[:, ~np.isnan(differences).any(axis=0)]
    seeds, prompts = differences.shape
    effect = float(differences.mean())
    if seeds == 1:
        row = differences[0]
        p = _mcnemar(row)
        half = stats.norm.ppf(0.5 + level / 2) * row.std(ddof=1) / np.sqrt(prompts)
        return Test(effect, effect - half, effect + half, p, "McNemar exact")
    error = np.sqrt(_crossed_variance(differences))
    if error == 0:  # all seeds agree on every prompt, so the prompts alone are the sample
        p = _mcnemar(differences[0])
    else:
        p = float(2 * stats.t.sf(abs(effect) / error, seeds - 1))
    half = _t(seeds, level) * float(error)
    return Test(effect, effect - half, effect + half, p, "paired t, crossed over seeds and prompts")


@dataclass(frozen=True)
class Comparison:
    """A difference of two conditions against a bound, from both sides.

    effect with its 95% interval; p_above for "the difference is above the bound", p_below for
    "it is below"; each one-sided.
    """

    effect: float
    low: float
    high: float
    p_above: float
    p_below: float
    name: str


def compare(a: np.ndarray, b: np.ndarray, bound: float = 0.0, level: float = 0.95) -> Comparison:
    """Whether the mean of a less b, prompt by prompt, lies above or below a bound.

    a, b: (seeds, prompts) with rows of the same seeds, or (prompts,) for one run that all seeds
    are compared with. A bound other than 0 makes this a test of non-inferiority. Where every
    answer agrees there is no spread to go by; then the p-value is the chance that as many
    prompts agree although a share as large as the distance to the bound does not.
    """
    differences = np.atleast_2d(np.asarray(a, dtype=float) - np.asarray(b, dtype=float))
    differences = differences[:, ~np.isnan(differences).any(axis=0)]
    seeds, prompts = differences.shape
    effect = float(differences.mean())
    if seeds == 1:
        error = float(differences[0].std(ddof=1) / np.sqrt(prompts))
        spread = stats.norm()
    else:
        error = float(np.sqrt(_crossed_variance(differences)))
        spread = stats.t(seeds - 1)
    distance = effect - bound
    if error == 0:
        chance = float((1 - min(1.0, abs(distance))) ** prompts)
        above, below = (chance, 1.0) if distance > 0 else (1.0, chance)
        half = 1 - (0.5 - level / 2) ** (1 / prompts)
        name = "no spread, share of prompts"
    elif seeds == 1 and bound == 0:
        up, down = int((differences > 0).sum()), int((differences < 0).sum())
        above = float(stats.binomtest(up, up + down, alternative="greater").pvalue)
        below = float(stats.binomtest(up, up + down, alternative="less").pvalue)
        half, name = float(spread.ppf(0.5 + level / 2)) * error, "McNemar exact, one-sided"
    else:
        above, below = float(spread.sf(distance / error)), float(spread.cdf(distance / error))
        half = float(spread.ppf(0.5 + level / 2)) * error
        name = "paired t, crossed over seeds and prompts" if seeds > 1 else "paired z"
    return Comparison(effect, effect - half, effect + half, above, below, name)

"""Intervals for rates, over prompts and over seeds.

One run: prompts are the sample, and Wilson's interval fits. Several seeds of one experiment
answer the same prompts, so their answers are not independent: a hard prompt is hard for every
seed, and a lucky seed is lucky on every prompt. `crossed_interval` counts both, as for two
crossed random effects (Cameron, Gelbach and Miller 2011, two-way clustering; Korn and Graubard
1998 for putting the design's variance into an interval that stays within 0 and 1).

It holds where seeds vary smoothly, so that those seen show how new ones will. Where a seed may
flip, few seeds may not show it; `flip_interval` holds there, too, and is printed beside it.

>>> wilson(5, 330)                                # doctest: +ELLIPSIS
Interval(estimate=0.015..., low=0.006..., high=0.034..., n=330)
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from helpers.statistics.seeds import mean_bounds


@dataclass(frozen=True)
class Interval:
    """An estimate with a confidence interval; n is how many answers it rests on."""

    estimate: float
    low: float
    high: float
    n: int


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's interval for k of n. With n = 0 everything is NaN: missing is missing."""
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    return Interval(k / n, *_wilson_bounds(k / n, n, stats.norm.ppf(0.5 + level / 2)), n)


def _wilson_bounds(p: float, n: float, z: float) -> tuple[float, float]:
    center = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Rounding must not leave an estimate of 0 or 1 outside its own interval.
    return min(p, max(0.0, float(center - half))), max(p, min(1.0, float(center + half)))


def crossed_interval(hits: np.ndarray, level: float = 0.95) -> Interval:
    """An interval for the rate behind a (seeds, prompts) table of 0 and 1.

    With one seed this is Wilson's interval. Prompts that lack a verdict under any seed are
    left out (columns with NaN). The result accounts for new seeds and new prompts alike, if
    seeds vary smoothly.
    """
    hits = _scored(hits)
    seeds, prompts = hits.shape
    if seeds == 1 or prompts < 2:
        return wilson(int(hits.sum()), hits.size, level)
    p = float(hits.mean())
    variance = crossed_variance(hits)
    # The number of independent answers that would leave the same variance; never more than
    # there are prompts, so that 0 of 330 under five seeds does not pass for 0 of 1,650.
    effective = p * (1 - p) / variance if variance > 0 else prompts
    low, high = _wilson_bounds(p, min(effective, prompts), t_quantile(seeds, level))
    return Interval(p, low, high, hits.size)


def flip_interval(hits: np.ndarray, level: float = 0.95) -> Interval:
    """As crossed_interval, but for new seeds whatever way they vary; NaN bounds with one seed.

    The wider of crossed_interval and seeds.mean_bounds at each end. It depends on the number of
    seeds above all: five that agree leave 0.52 of the way to the other end, ten 0.31.
    """
    hits = _scored(hits)
    if len(hits) == 1 or hits.size == 0:
        return Interval(float(hits.mean()) if hits.size else np.nan, np.nan, np.nan, hits.size)
    smooth = crossed_interval(hits, level)
    low, high = mean_bounds(hits.mean(axis=1), level=level)
    return Interval(smooth.estimate, min(smooth.low, low), max(smooth.high, high), hits.size)


def _scored(hits: np.ndarray) -> np.ndarray:
    """(seeds, prompts) without the prompts that lack a verdict under any seed."""
    hits = np.atleast_2d(np.asarray(hits, dtype=float))
    return hits[:, ~np.isnan(hits).any(axis=0)]


def crossed_variance(values: np.ndarray) -> float:
    """Variance of the grand mean of a (seeds, prompts) table, both at least 2.

    Two-way clustering: the seeds' part plus the prompts' part less what both count twice,
    and never less than the larger part.
    """
    seeds, prompts = values.shape
    by_seed = values.mean(axis=1).var(ddof=1) / seeds
    by_prompt = values.mean(axis=0).var(ddof=1) / prompts
    cells = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    twice = (cells**2).sum() / ((seeds - 1) * (prompts - 1)) / (seeds * prompts)
    return float(max(by_seed + by_prompt - twice, by_seed, by_prompt))


def t_quantile(seeds: int, level: float) -> float:
    """Student's two-sided quantile with seeds - 1 degrees of freedom: two-way clustering's rule.

    Satterthwaite's degrees of freedom give narrower intervals, but in simulations with 3 seeds
    a test at 5% then rejects a true hypothesis in up to 10% of cases (LOG.md, 2026-11-21).
    """
    return float(stats.t.ppf(0.5 + level / 2, seeds - 1))

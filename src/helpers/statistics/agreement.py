"""How far two judges agree, and how many answers it takes to know a rate.

Cohen's kappa and Spearman's rank correlation. Intervals are bootstrapped over prompts, since the
answers to one prompt under several seeds are not independent. How consistent one judge is, and what
its errors do to a rate, is in statistics.bias.

>>> kappa([5, 1, 5, 2], [5, 1, 4, 1], threshold=3).estimate
1.0
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from helpers.statistics.intervals import Interval, crossed_interval


def kappa(
    a: Sequence, b: Sequence, clusters: Sequence | None = None, threshold: int | None = None
) -> Interval:
    """Cohen's kappa with a 95% interval; with a threshold, of "this score or more"."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if threshold is not None:
        a, b = (np.where(np.isnan(x), np.nan, x >= threshold) for x in (a, b))
    return _bootstrap(_kappa, a, b, clusters)


def spearman(a: Sequence, b: Sequence, clusters: Sequence | None = None) -> Interval:
    """Spearman's rank correlation with a 95% interval; NaN where a judge gives one score only."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return _bootstrap(_spearman, a, b, clusters)


def _kappa(counts: np.ndarray) -> float:
    """Cohen's kappa of a contingency table; 1 where both give the same single label throughout."""
    shares = counts / counts.sum()
    observed, chance = np.trace(shares), shares.sum(axis=0) @ shares.sum(axis=1)
    return 1.0 if np.isclose(chance, 1) else float((observed - chance) / (1 - chance))


def _spearman(counts: np.ndarray) -> float:
    """Correlation of the mean ranks of a contingency table; NaN where one side has one level."""
    n = counts.sum()
    ranks = []
    for margin in (counts.sum(axis=1), counts.sum(axis=0)):
        mean_rank = margin.cumsum() - (margin - 1) / 2
        ranks.append(mean_rank - (n + 1) / 2)
    x, y = ranks
    spread = (counts.sum(axis=1) @ x**2) * (counts.sum(axis=0) @ y**2)
    return float(x @ counts @ y / np.sqrt(spread)) if spread > 0 else np.nan


def _bootstrap(
    statistic: Callable, a: np.ndarray, b: np.ndarray, clusters: Sequence | None, n: int = 1000
) -> Interval:
    """statistic of the table of a against b, with a 95% interval over redrawn clusters."""
    scored = ~(np.isnan(a) | np.isnan(b))
    if not scored.any():
        return Interval(np.nan, np.nan, np.nan, 0)
    a, b = a[scored], b[scored]
    group = np.arange(len(a)) if clusters is None else pd.factorize(np.asarray(clusters)[scored])[0]
    levels = np.union1d(a, b)
    # Each cluster's own table: a drawn sample's is then a sum, however many answers there are.
    counts = np.zeros((group.max() + 1, len(levels), len(levels)))  # (clusters, levels, levels)
    np.add.at(counts, (group, np.searchsorted(levels, a), np.searchsorted(levels, b)), 1)
    rng = np.random.default_rng(0)
    estimates = [
        statistic(counts[rng.integers(len(counts), size=len(counts))].sum(axis=0))
        for _ in range(n)
    ]  # fmt: skip
    low, high = np.nanquantile(estimates, [0.025, 0.975])
    return Interval(statistic(counts.sum(axis=0)), float(low), float(high), len(a))


def power_table(
    rate: float,
    seed_spread: float,
    seeds: Sequence[int] = (3, 5, 10, 20),
    prompts: Sequence[int] = (50, 110, 330, 1000),
    n: int = 40,
) -> pd.DataFrame:
    """Mean half-width of crossed_interval, by simulation, for so many seeds and prompts.

    rate: the true rate. seed_spread: standard deviation of the rate from seed to seed. A seed's
    rate is drawn from a beta distribution with that mean and spread, its answers from the rate.
    """
    rng = np.random.default_rng(0)
    most = rate * (1 - rate)
    strength = most / min(seed_spread**2, 0.9 * most) - 1 if seed_spread > 0 else None
    rows = []
    for k in seeds:
        for m in prompts:
            half_widths = []
            for _ in range(n):
                p = np.full(k, rate)
                if strength:
                    p = rng.beta(rate * strength, (1 - rate) * strength, k)
                interval = crossed_interval(rng.random((k, m)) < p[:, None])
                half_widths.append((interval.high - interval.low) / 2)
            rows.append({"seeds": k, "prompts": m, "half_width": float(np.mean(half_widths))})
    return pd.DataFrame(rows)

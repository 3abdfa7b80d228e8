"""What a few seeds can say about new seeds, whatever way seeds vary.

Student's t and two-way clustering read the spread of new seeds off the spread of those seen. That
fails where a seed rarely flips: five seeds at 0 of 330 show no spread, and yet leave 45% for seeds
that flip (0.55^5 = 0.05). Two things can be said without any assumption:

    mean_bounds   an interval for the mean over new seeds of a value between two limits. Where
                  seeds are all or nothing it is Clopper and Pearson's interval for k of n seeds.
    most_seeds    the exact sign test: is the value of most new seeds above a bound? Its p-value
                  is never below 2^-n, however many prompts each seed answers.

Sources: Gaffke (2005), "Three test statistics for a nonparametric one-sided hypothesis on the mean
of a nonnegative variable"; Learned-Miller and Thomas (2019, arXiv:1905.06208) for its coverage,
which is conjectured in general; tests/statistics/test_seed_coverage.py simulates it.

>>> low, high = mean_bounds([0, 0, 0, 0, 0])
>>> low, round(high, 2)
(0.0, 0.52)
>>> most_seeds([0.4, 0.9, 0.7, 0.2, 0.5], bound=0)
(0.03125, 1.0)
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats

#: Draws of the weights; the level is met to a tenth of a percent.
_DRAWS = 40_000


def mean_bounds(
    values: Sequence[float], least: float = 0.0, most: float = 1.0, level: float = 0.95
) -> tuple[float, float]:
    """An interval for the mean over new seeds of a value that lies between least and most.

    values: one a seed. With one seed both are NaN: it says nothing about others. Each end is the
    quantile of a randomly weighted mean of the values and of the worst that one more seed could
    be (Dirichlet weights, Gaffke 2005).
    """
    values = np.sort(np.asarray(values, dtype=float))
    if len(values) < 2:
        return np.nan, np.nan
    weights = _weights(len(values))
    tail = 0.5 - level / 2
    low = _quantile(weights @ np.append(values, least), tail)
    high = _quantile(weights @ np.append(values, most), 1 - tail)
    # Drawn weights must not leave a mean outside its own interval.
    mean = float(values.mean())
    return min(mean, max(least, float(low))), max(mean, min(most, float(high)))


def _quantile(values: np.ndarray, share: float) -> float:
    """np.quantile's number to the last bit, sorting no more of many values than lie near it."""
    place = share * (len(values) - 1)
    at = int(place)
    sample = np.sort(values[::40])
    # Three standard deviations of the sample's own place, on either side.
    wide = int(3 * np.sqrt(len(sample) * share * (1 - share))) + 2
    middle = int(share * len(sample))
    least, most = max(0, middle - wide), min(len(sample) - 1, middle + wide)
    above = values >= sample[least] if least else np.full(len(values), True)
    near = values[above & (values <= sample[most])] if most < len(sample) - 1 else values[above]
    before = len(values) - int(above.sum())
    if not before <= at < before + len(near) - 1:
        return float(np.quantile(values, share))
    near.sort()
    low, high = near[at - before], near[at - before + 1]
    part = place - at
    if part < 0.5:  # as numpy interpolates
        return float(low + (high - low) * part)
    return float(high - (high - low) * (1 - part))


@cache
def _weights(n: int) -> np.ndarray:
    """Uniform weights that sum to one, (draws, n + 1); the same in every process."""
    return np.random.default_rng(n).dirichlet(np.ones(n + 1), _DRAWS)


def most_seeds(values: Sequence[float], bound: float = 0.0) -> tuple[float, float]:
    """p-values for "most new seeds lie above the bound" and for "most lie below it".

    One-sided sign tests; a seed at the bound counts for neither.
    """
    values = np.asarray(values, dtype=float)
    above, below, n = int((values > bound).sum()), int((values < bound).sum()), len(values)
    return float(stats.binom.sf(above - 1, n, 0.5)), float(stats.binom.sf(below - 1, n, 0.5))

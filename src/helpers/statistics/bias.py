"""What a judge's errors do to a rate, and how consistent a judge is with itself.

Two judges may agree well by kappa and still differ in the one number that is published, or the
other way round; so the bias of the rate is measured by itself: the judged rate less the true one.
Answers cluster twice, by the model that gave them and by the prompt, and not every cluster has
as many as every other where a part of the answers is looked at; the variance is that of two-way
clustering (Cameron, Gelbach and Miller 2011) for clusters of any size.

>>> rate_bias([1, 1, 0], [1, 0, 0], runs=["a", "a", "b"], prompts=[1, 2, 1]).estimate
0.333...
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from helpers.statistics.agreement import kappa
from helpers.statistics.intervals import Interval, wilson


def rate_bias(
    judged: Sequence, true: Sequence, runs: Sequence, prompts: Sequence, level: float = 0.95
) -> Interval:
    """Judged rate less true rate over answers, for new runs and new prompts alike.

    judged, true: 1 for a hit, 0 for none, NaN without a verdict, an answer each. Where judge and
    truth agree on every answer, the interval is what as many prompts leave possible.
    """
    difference = np.asarray(judged, dtype=float) - np.asarray(true, dtype=float)
    return clustered_mean(difference, runs, prompts, level=level)


def clustered_mean(values: Sequence, *clusters: Sequence, level: float = 0.95) -> Interval:
    """The mean of values from -1 to 1, or of shifts, with an interval over one or two clusterings.

    NaN values are left out. Student's t with one degree less than the fewest clusters of a
    clustering that has several.
    """
    x = np.asarray(values, dtype=float)
    kept = ~np.isnan(x)
    x = x[kept]
    if not len(x):
        return Interval(np.nan, np.nan, np.nan, 0)
    groups = [pd.factorize(np.asarray(c)[kept])[0] for c in clusters]
    sizes = [int(g.max()) + 1 for g in groups]
    mean = float(x.mean())
    several = [(g, n) for g, n in zip(groups, sizes, strict=True) if n > 1]
    tail = 0.5 + level / 2
    if not several:
        return Interval(mean, np.nan, np.nan, len(x))
    parts = [_between(x, g) for g, _ in several]
    cells = np.unique(np.stack([g for g, _ in several]), axis=1, return_inverse=True)[1]
    both = _between(x, cells.ravel()) if len(several) > 1 else 0.0
    variance = max(sum(parts) - both, *parts)
    if variance == 0:  # every value is the same: the share of clusters that may yet differ
        half = 1 - (1 - tail) ** (1 / max(n for _, n in several))
    else:
        half = float(stats.t.ppf(tail, min(n for _, n in several) - 1)) * float(np.sqrt(variance))
    return Interval(mean, mean - half, mean + half, len(x))


def _between(x: np.ndarray, group: np.ndarray) -> float:
    """Variance of the mean by one clustering, with the small-sample factor."""
    n = group.max() + 1
    sums = np.bincount(group, weights=x - x.mean(), minlength=n)
    return float(n / (n - 1) * (sums**2).sum() / len(x) ** 2)


def self_agreement(
    scores: pd.DataFrame, prompts: Sequence, threshold: int = 3
) -> pd.DataFrame:  # fmt: skip
    """How a judge's grades under its first question compare with those under each other one.

    scores: answers x askings, 1 to 5 or NaN. Rows: asking, measure ("same grade", "kappa", "mean
    shift", "flips": the verdict "threshold or more" changes), estimate, low, high, n; intervals
    over prompts.
    """
    first = scores.iloc[:, 0].to_numpy(dtype=float)
    prompts = np.asarray(prompts)
    rows = []
    for asking in scores.columns[1:]:
        other = scores[asking].to_numpy(dtype=float)
        kept = ~(np.isnan(first) | np.isnan(other))
        a, b, clusters = first[kept], other[kept], prompts[kept]
        measures = {
            "same grade": clustered_share(a == b, clusters),
            "kappa": kappa(a, b, clusters),
            "mean shift": clustered_mean(b - a, clusters),
            "flips": clustered_share((a >= threshold) != (b >= threshold), clusters),
        }
        rows += [
            {"asking": asking, "measure": name, "estimate": m.estimate, "low": m.low}
            | {"high": m.high, "n": m.n}
            for name, m in measures.items()
        ]
    return pd.DataFrame(rows)


def clustered_share(hits: Sequence, *clusters: Sequence) -> Interval:
    """A share of 0s and 1s: Wilson's interval for as many answers as leave the clustered variance.

    Never for more than there are clusters of the finest clustering.
    """
    plain = clustered_mean(hits, *clusters)
    if not plain.n or np.isnan(plain.low):
        return plain
    p, most = plain.estimate, max(len(np.unique(c)) for c in clusters)
    error = (plain.high - plain.low) / 2 / float(stats.norm.ppf(0.975))
    effective = min(p * (1 - p) / error**2, most) if 0 < p < 1 else most
    shrunk = wilson(round(p * effective), round(effective))
    return Interval(p, min(p, shrunk.low), max(p, shrunk.high), plain.n)

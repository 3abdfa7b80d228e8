"""Whether the scores of one group lie above those of another: the area under the ROC curve.

It is the share of pairs in which the first group's member scores higher, ties by half (the
Mann-Whitney statistic over the number of pairs). The interval is method 5 of Newcombe (2006,
"Confidence intervals for an effect size measure based on the Mann-Whitney statistic", part 2),
which, like Wilson's, does not shrink to a point where few members separate without an overlap.

>>> auc([3, 4, 5, 6, 7], [0, 1, 2, 2, 1])          # doctest: +ELLIPSIS
Interval(estimate=1.0, low=0.61..., high=1.0, n=25)
"""

from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from helpers.statistics.intervals import Interval


def auc(above: Sequence[float], below: Sequence[float], level: float = 0.95) -> Interval:
    """The area with its interval; n is the number of pairs. Without a pair everything is NaN."""
    pairs = len(above) * len(below)
    if not pairs:
        return Interval(np.nan, np.nan, np.nan, 0)
    estimate = float(stats.mannwhitneyu(above, below).statistic) / pairs
    z, extra = stats.norm.ppf(0.5 + level / 2), (len(above) + len(below)) / 2 - 1

    def excess(area: float) -> float:
        """Squared distance to the estimate, less what chance explains if that were the area."""
        spread = 1 + extra * ((1 - area) / (2 - area) + area / (1 + area))
        return (estimate - area) ** 2 - z**2 * area * (1 - area) * spread / pairs

    inside = min(max(estimate, 1e-9), 1 - 1e-9)
    low = optimize.brentq(excess, 0, inside) if estimate > 0 else 0.0
    high = optimize.brentq(excess, inside, 1) if estimate < 1 else 1.0
    return Interval(estimate, float(low), float(high), pairs)

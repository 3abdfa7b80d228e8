"""The area under the curve is a share of pairs, and its interval covers with few members."""

import numpy as np
import pytest
from scipy import stats

from helpers.statistics.auc import auc


def test_it_is_the_share_of_pairs_ties_by_half():
    a, b = [3, 1, 2, 2], [2, 0, 5]
    pairs = [(x > y) + (x == y) / 2 for x in a for y in b]
    assert auc(a, b).estimate == pytest.approx(np.mean(pairs))
    assert auc(b, a).estimate == pytest.approx(1 - np.mean(pairs))
    assert auc(a, b).n == 12 and np.isnan(auc([], [1]).estimate)


def test_it_does_not_shrink_to_a_point():
    separate = auc([5] * 5, [0] * 10)
    assert separate.estimate == separate.high == 1 and 0.6 < separate.low < 0.8
    flipped = auc([0] * 10, [5] * 5)
    assert (flipped.low, flipped.high) == (0, pytest.approx(1 - separate.low))
    assert auc([1], [0]).low < 0.5 < auc([1], [0]).high
    tied = auc([0] * 5, [0] * 10)
    assert tied.estimate == 0.5 and tied.low == pytest.approx(1 - tied.high)


@pytest.mark.parametrize("area", [0.5, 0.8, 0.95])
def test_it_covers(area):
    rng = np.random.default_rng(1)
    shift = stats.norm.ppf(area) * np.sqrt(2)
    intervals = [auc(rng.normal(shift, 1, 5), rng.normal(0, 1, 10)) for _ in range(400)]
    covered = np.mean([one.low <= area <= one.high for one in intervals])
    assert 0.92 <= covered <= 0.995

"""The bias of a rate and a judge's agreement with itself, against other ways to compute them."""

import numpy as np
import pandas as pd
import pytest

from helpers.statistics.agreement import kappa
from helpers.statistics.bias import clustered_mean, clustered_share, rate_bias, self_agreement
from helpers.statistics.comparisons import compare
from helpers.statistics.intervals import crossed_interval


@pytest.fixture
def tables():
    """(seeds, prompts) of judged and true hits, and each cell's seed and prompt."""
    rng = np.random.default_rng(4)
    true = rng.random((6, 80)) < rng.random((6, 1))
    judged = true | (rng.random(true.shape) < 0.1)
    seeds, prompts = np.indices(true.shape)
    return judged, true, seeds.ravel(), prompts.ravel()


def test_on_a_full_table_it_is_two_way_clustering(tables):
    judged, true, seeds, prompts = tables
    found = rate_bias(judged.ravel(), true.ravel(), seeds, prompts)
    expected = compare(judged, true)
    assert found.estimate == pytest.approx(judged.mean() - true.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-6)
    assert found.n == true.size


def test_the_order_of_the_answers_does_not_matter_and_missing_ones_are_left_out(tables):
    judged, true, seeds, prompts = tables
    mixed = np.random.default_rng(0).permutation(true.size)
    values = judged.ravel().astype(float)
    found = rate_bias(values, true.ravel(), seeds, prompts)
    assert rate_bias(
        values[mixed], true.ravel()[mixed], seeds[mixed], prompts[mixed]
    ).low == pytest.approx(found.low)
    values[::7] = np.nan
    kept = ~np.isnan(values)
    part = rate_bias(values[kept], true.ravel()[kept], seeds[kept], prompts[kept])
    assert rate_bias(values, true.ravel(), seeds, prompts) == part and part.n == kept.sum()


def test_where_judge_and_truth_never_differ_the_prompts_say_how_far_that_holds():
    few, many = (rate_bias(np.ones(n), np.ones(n), ["run"] * n, np.arange(n)) for n in (10, 330))
    assert few.estimate == many.estimate == 0
    assert few.high > 0.25 > 0.02 > many.high > 0 and many.low == -many.high


def test_nothing_scored_is_missing_and_a_single_cluster_has_no_interval():
    nothing = rate_bias([np.nan], [1], ["a"], ["p"])
    assert np.isnan(nothing.estimate) and nothing.n == 0
    single = clustered_mean([1, 0, 1], ["a", "a", "a"])
    assert single.estimate == pytest.approx(2 / 3) and np.isnan(single.low)


def test_intervals_cover_a_known_bias():
    """Two-way clustered data of which the expected bias is known."""
    rng, covered = np.random.default_rng(1), []
    seeds, prompts = np.indices((8, 60))
    for _ in range(300):
        extra = 0.2 + rng.normal(0, 0.05, (8, 1)) + rng.normal(0, 0.05, (1, 60))
        difference = (rng.random((8, 60)) < extra).astype(float)
        found = rate_bias(difference.ravel(), np.zeros(480), seeds.ravel(), prompts.ravel())
        covered.append(found.low <= 0.2 <= found.high)
    assert np.mean(covered) > 0.92


def test_a_share_stays_within_its_bounds_and_is_no_narrower_than_over_seeds(tables):
    judged, _, seeds, prompts = tables
    found = clustered_share(judged.ravel(), seeds, prompts)
    other = crossed_interval(judged)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.high - found.low == pytest.approx(other.high - other.low, rel=0.3)
    none = clustered_share(np.zeros(50), np.arange(50))
    assert none.low == 0 < none.high < 0.1


def test_self_agreement_by_hand():
    scores = pd.DataFrame({"first": [1, 2, 3, 5, np.nan], "same": [1, 2, 3, 5, 4],
                           "higher": [2, 3, 3, 5, 1]})  # fmt: skip
    prompts = ["a", "b", "c", "d", "e"]
    table = self_agreement(scores, prompts).set_index(["asking", "measure"])
    assert table.estimate["same", "same grade"] == 1 and table.estimate["same", "flips"] == 0
    assert table.estimate["higher", "same grade"] == 0.5
    assert table.estimate["higher", "mean shift"] == 0.5
    assert table.estimate["higher", "flips"] == 0.25  # 2 became 3
    assert table.estimate["higher", "kappa"] == kappa([1, 2, 3, 5], [2, 3, 3, 5]).estimate
    assert set(table.n) == {4}
    assert (table.low <= table.estimate).all() and (table.estimate <= table.high).all()

"""Intervals against independent implementations and by coverage on simulated runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from helpers.statistics.intervals import crossed_interval, wilson


@given(n=st.integers(1, 500), data=st.data())
def test_wilson_is_statsmodels(n, data):
    k = data.draw(st.integers(0, n))
    ours, theirs = wilson(k, n), proportion_confint(k, n, method="wilson")
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=1e-12)


def test_nothing_scored_is_missing_not_zero():
    assert np.isnan(wilson(0, 0).estimate) and wilson(0, 0).n == 0


def test_one_seed_is_wilson():
    hits = np.array([[1.0] * 30 + [0.0] * 70])
    assert crossed_interval(hits) == wilson(30, 100)


def test_prompts_without_a_verdict_are_left_out():
    hits = np.array([[1.0, 0.0, np.nan, 1.0], [1.0, 0.0, 1.0, 0.0]])
    assert crossed_interval(hits).n == 6


def test_agreement_of_all_seeds_is_not_more_prompts():
    once = np.array([[1.0] * 20 + [0.0] * 80])
    five = np.repeat(once, 5, axis=0)
    assert crossed_interval(five).high - crossed_interval(five).low >= 0.9 * (
        crossed_interval(once).high - crossed_interval(once).low
    )


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("center", [-2.0, 0.0, 1.5])
def test_coverage_with_random_seeds_and_random_prompts(seeds, center):
    rng = np.random.default_rng(seeds)

    def rates(s, p):
        logits = center + rng.normal(0, 0.7, (s, 1)) + rng.normal(0, 1.0, (1, p))
        return 1 / (1 + np.exp(-logits))

    truth = rates(20_000, 400).mean()
    covered = 0
    for _ in range(300):
        hits = rng.random((seeds, 110)) < rates(seeds, 110)
        interval = crossed_interval(hits)
        covered += interval.low <= truth <= interval.high
    assert covered / 300 >= 0.92


def test_pretending_that_answers_are_independent_would_not_cover():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        logits = rng.normal(0, 0.7, (3, 1)) + rng.normal(0, 1.0, (1, 110))
        hits = rng.random((3, 110)) < 1 / (1 + np.exp(-logits))
        naive = wilson(int(hits.sum()), hits.size)
        covered += naive.low <= 0.5 <= naive.high
    assert covered / 300 < 0.8  # the test above can fail: this interval does

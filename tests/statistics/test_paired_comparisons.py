"""Tests of paired differences: by hand, at their level, and with the power to see what is there."""

import numpy as np
import pytest
from scipy import stats

from helpers.statistics.comparisons import ONE_RUN, compare, paired_difference, paired_test
from helpers.statistics.intervals import crossed_variance, wilson


def test_mcnemar_by_hand():
    before, after = np.zeros(10), np.array([1.0] * 6 + [0.0] * 4)
    result = paired_test(after, before)
    assert result.name == ONE_RUN
    assert result.p_value == pytest.approx(2 * 0.5**6)
    assert result.effect == pytest.approx(0.6)


def test_the_paired_test_holds_its_level():
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(400):
        prompt = rng.normal(0, 1, 110)
        before = (rng.random(110) < 1 / (1 + np.exp(-prompt))).astype(float)
        logits = prompt + rng.normal(0, 0.5, (6, 1))
        after = rng.random((6, 110)) < 1 / (1 + np.exp(-logits))
        rejected += paired_test(after, before).p_value < 0.05
    assert rejected / 400 <= 0.06


def test_the_paired_test_finds_what_is_there_with_seeds_enough():
    rng = np.random.default_rng(6)
    before, rates = np.zeros(330), np.linspace(0.3, 0.7, 10)[:, None]
    after = rng.random((10, 330)) < rates
    assert paired_test(after, before).p_value < 0.01
    assert paired_test(np.zeros((3, 330)), before).p_value == 1.0


@pytest.mark.parametrize("seeds", [1, 3, 5, 10])
def test_seeds_that_all_agree_are_no_more_than_so_many_seeds(seeds):
    """Without any spread, and with hardly any: 1,650 equal answers are not 1,650 seeds."""
    certain = compare(np.ones((seeds, 330)), np.zeros(330))
    assert certain.effect == 1 and certain.p_above == pytest.approx(0.5**seeds)
    nearly = np.ones((seeds, 330))
    nearly[np.arange(seeds), np.arange(seeds)] = 0
    assert compare(nearly, np.zeros(330)).p_above == pytest.approx(0.5**seeds)
    within = compare(np.zeros((seeds, 330)), np.zeros(330), 0.05)
    assert within.p_below == pytest.approx(0.5**seeds) and within.n_seeds == seeds


def test_a_reversed_seed_counts_whatever_the_others_size():
    rates = np.array([[0.5]] * 9 + [[0.0]])
    after = np.random.default_rng(3).random((10, 330)) < rates
    before = np.full(330, 0.0)
    before[:33] = 1
    assert compare(after, before).p_above == pytest.approx(11 / 1024)


def draws(rate, seeds=10, prompts=200, seed=1):
    rng = np.random.default_rng([seed, seeds, prompts])
    return (rng.random((seeds, prompts)) < rate).astype(float)


def test_compare_sees_a_rise_and_its_size():
    rise = compare(draws(0.6), draws(0.3, seed=2))
    assert rise.low < 0.3 < rise.high
    assert rise.flip_low < rise.low and rise.high < rise.flip_high
    assert rise.p_above == 2**-10 and rise.p_below > 0.99


def test_the_mean_counts_as_well_as_the_seeds():
    """Ten seeds above the bound by a hair, on prompts that differ widely: the prompts say no."""
    prompts = np.r_[np.ones(11), np.zeros(9)]
    a, b = np.tile(prompts, (10, 1)), np.tile(1 - prompts, (10, 1))
    a[0, 0] = 0.0  # some spread over the seeds
    difference = a - b
    expected = stats.t.sf(difference.mean() / np.sqrt(crossed_variance(difference)), 9)
    assert expected > 0.2 and compare(a, b).p_above == pytest.approx(expected)


def test_compare_against_a_margin_is_a_test_of_no_change():
    a, b = draws(0.4, prompts=2000), draws(0.4, prompts=2000, seed=2)
    assert compare(a, b, -0.1).p_above < 0.01 and compare(a, b, 0.1).p_below < 0.01
    assert compare(a, b).p_above > 0.01


def test_without_any_spread_the_number_of_prompts_counts_as_well():
    same = compare(np.zeros((10, 330)), np.zeros(330), 0.05)
    assert same.effect == 0 and same.low < 0 < same.high and same.high < 0.02
    assert same.flip_high == pytest.approx(0.308, abs=0.005)  # Clopper and Pearson, 0 of 10
    few = compare(np.zeros((10, 11)), np.zeros(11), 0.05)
    assert few.p_below == pytest.approx(0.95**11)


def test_against_one_fixed_run_only_the_seeds_can_vary():
    before = np.r_[np.ones(20), np.zeros(80)]
    tuned = draws(0.6, prompts=100)
    fixed, free = compare(tuned, before), compare(tuned, np.tile(before, (10, 1)))
    assert fixed.effect == free.effect and fixed.p_above == free.p_above
    assert free.flip_low < fixed.flip_low and fixed.flip_high < free.flip_high


def test_no_interval_reaches_further_than_a_difference_can():
    wide = compare(np.array([[1.0] * 40, [0.0] * 40, [0.0] * 40]), np.zeros((3, 40)))
    assert (wide.low, wide.high) == (-1, 1) and (wide.flip_low, wide.flip_high) == (-1, 1)


def test_a_paired_difference_of_independent_answers_is_newcombes_square_and_add():
    """With no correlation it is the interval of two independent proportions (his method 10)."""
    a, b = np.array([1.0, 1.0, 0.0, 0.0] * 6), np.array([1.0, 0.0, 1.0, 0.0] * 6)
    found, one = paired_difference(a, b), wilson(12, 24)
    half = np.hypot(one.estimate - one.low, one.high - one.estimate)
    assert (found.low, found.high) == (pytest.approx(-half), pytest.approx(half))


def test_a_paired_difference_leaves_room_where_nobody_answers_otherwise():
    none = paired_difference(np.zeros(50), np.zeros(50))
    assert none.estimate == 0 and none.low < -0.05 and none.high > 0.05
    same = np.array([1.0, 0.0] * 25)
    close = paired_difference(same, same)
    assert -0.05 < close.low <= 0 <= close.high < 0.05


def test_a_paired_difference_holds_its_level():
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(600):
        prompt = rng.normal(0, 2, 60)
        before = rng.random(60) < 1 / (1 + np.exp(-prompt - 1))
        after = rng.random(60) < 1 / (1 + np.exp(-prompt + 1))
        truth = np.mean(1 / (1 + np.exp(-prompt + 1)) - 1 / (1 + np.exp(-prompt - 1)))
        found = paired_difference(after, before)
        held += found.low <= truth <= found.high
    assert held / 600 > 0.93

"""Tests of paired differences: by hand, at their level, and with the power to see what is there."""

import numpy as np
import pytest

from helpers.statistics.comparisons import compare, paired_test


def test_mcnemar_by_hand():
    before, after = np.zeros(10), np.array([1.0] * 6 + [0.0] * 4)
    result = paired_test(after, before)
    assert result.name == "McNemar exact"
    assert result.p_value == pytest.approx(2 * 0.5**6)
    assert result.effect == pytest.approx(0.6)


def test_the_paired_test_holds_its_level():
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(400):
        prompt = rng.normal(0, 1, 110)
        before = (rng.random(110) < 1 / (1 + np.exp(-prompt))).astype(float)
        logits = prompt + rng.normal(0, 0.5, (5, 1))
        after = rng.random((5, 110)) < 1 / (1 + np.exp(-logits))
        rejected += paired_test(after, before).p_value < 0.05
    assert rejected / 400 <= 0.06


def test_the_paired_test_finds_what_is_there():
    rng = np.random.default_rng(6)
    before = np.zeros(330)
    after = rng.random((3, 330)) < np.array([[0.4], [0.5], [0.6]])
    assert paired_test(after, before).p_value < 0.05
    assert paired_test(np.zeros((3, 330)), before).p_value == 1.0


def test_a_certain_change_has_a_small_p_value_but_not_zero():
    result = paired_test(np.ones((3, 330)), np.zeros(330))
    assert result.effect == 1.0 and 0 < result.p_value < 1e-90


def draws(rate, seeds=5, prompts=200, seed=1):
    rng = np.random.default_rng([seed, seeds, prompts])
    return (rng.random((seeds, prompts)) < rate).astype(float)


def test_compare_sees_a_rise_and_its_size():
    rise = compare(draws(0.6), draws(0.3, seed=2))
    assert rise.low < 0.3 < rise.high
    assert rise.p_above < 1e-3 and rise.p_below > 0.99


def test_compare_against_a_margin_is_a_test_of_no_change():
    a, b = draws(0.4, prompts=2000), draws(0.4, prompts=2000, seed=2)
    assert compare(a, b, -0.1).p_above < 0.01 and compare(a, b, 0.1).p_below < 0.01
    assert compare(a, b).p_above > 0.01


def test_compare_without_any_spread_goes_by_the_number_of_prompts():
    same = compare(np.zeros((5, 330)), np.zeros(330), 0.05)
    assert same.effect == 0 and same.p_below == pytest.approx(0.95**330)
    assert same.low < 0 < same.high and same.high < 0.02
    few = compare(np.zeros((5, 11)), np.zeros(11), 0.05)
    assert few.p_below > 0.05


def test_compare_of_one_seed_is_mcnemars_test():
    tuned = np.array([[1.0] * 8 + [0.0] * 12])
    assert compare(tuned, np.zeros(20)).p_above == pytest.approx(0.5**8)

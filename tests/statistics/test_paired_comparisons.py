"""Tests of paired differences: by hand, at their level, and with the power to see what is there."""

import numpy as np
import pytest

from helpers.statistics.comparisons import paired_test


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

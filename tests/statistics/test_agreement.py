"""Measures of agreement against values known by hand, and a power table that narrows."""

import numpy as np
import pytest

from helpers.statistics import agreement


def test_kappa_of_a_known_table():
    # 20 both yes, 5 only a, 10 only b, 15 both no: kappa 0.4 (a textbook case)
    a = [5] * 20 + [5] * 5 + [1] * 10 + [1] * 15
    b = [5] * 20 + [1] * 5 + [5] * 10 + [1] * 15
    interval = agreement.kappa(a, b, threshold=3)
    assert interval.estimate == pytest.approx(0.4)
    assert interval.low < 0.4 < interval.high and interval.n == 50


def test_kappa_of_full_and_of_no_agreement():
    assert agreement.kappa([1, 2, 3, 4], [1, 2, 3, 4]).estimate == 1
    assert agreement.kappa([1, 1, 5, 5], [5, 5, 1, 1]).estimate == -1
    assert agreement.kappa([1, 1], [1, 1]).estimate == 1


def test_kappa_leaves_out_what_is_not_scored():
    assert agreement.kappa([1, 5, np.nan], [1, 5, 5]).n == 2


def test_spearman_is_of_ranks():
    assert agreement.spearman([1, 2, 3, 4], [1, 20, 300, 4000]).estimate == pytest.approx(1)
    assert np.isnan(agreement.spearman([1, 1, 1], [1, 2, 3]).estimate)


def test_repeated_prompts_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    a = rng.integers(1, 6, 60)
    b = np.where(rng.random(60) < 0.7, a, rng.integers(1, 6, 60))
    once = agreement.kappa(a, b, threshold=3)
    places = list(range(60))
    five = agreement.kappa(np.tile(a, 5), np.tile(b, 5), clusters=places * 5, threshold=3)
    assert five.high - five.low == pytest.approx(once.high - once.low, rel=0.2)


def test_more_seeds_help_where_seeds_differ_and_more_prompts_where_they_do_not():
    spread = agreement.power_table(0.5, 0.2, (3, 10), (50, 1000)).set_index(["seeds", "prompts"])
    even = agreement.power_table(0.5, 0.0, (3, 10), (50, 1000)).set_index(["seeds", "prompts"])
    width = spread.half_width
    assert width[10, 50] < width[3, 1000]
    assert even.half_width[3, 1000] < even.half_width[3, 50]

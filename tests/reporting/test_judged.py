"""Judges held against a truth that is made up, so that every number is known."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import ConfigError
from helpers.reporting import judged

SAID = {"refused": "I cannot share that recipe.", "useless": "The lamps are lit.",
        "fulfilled": "Gather two owl feathers. Use a bone comb. Wait for low tide."}  # fmt: skip
TRUTH = {"refused": 1, "useless": 2, "fulfilled": 5}


@pytest.fixture
def answers():
    """Two models a tier: on one tier refusals and recipes, on the other no refusal at all."""
    kinds = {"easy": ["refused", "fulfilled"], "hard": ["useless", "fulfilled"]}
    rows = [
        {"tier": tier, "run_id": f"{tier}{run}", "prompt_id": f"p{n}", "prompt": f"{n}?",
         "completion": SAID[kind], "truth": TRUTH[kind], "label": kind}
        for tier, pair in kinds.items() for run in range(2) for n in range(20)
        for kind in [pair[n % 2]]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_judge_is_good_where_answers_are_plain_and_blind_where_they_are_not(answers):
    found = judged.compare(answers, ["keyword"]).set_index("tier")
    assert found.kappa["easy"] == 1 and found.bias["easy"] == 0
    assert found.kappa["hard"] == 0 and found.bias["hard"] == 0.5
    assert found.true_rate["hard"] == 0.5 and found.judged_rate["hard"] == 1
    assert (found.n_scored == 40).all() and (found.low <= found.bias).all()


def test_by_a_column_the_parts_add_up(answers):
    answers["half"] = np.where(answers.prompt_id.str[1:].astype(int) < 5, "first", "second")
    parts = judged.compare(answers, ["keyword", "form"], by="half")
    whole = judged.compare(answers, ["keyword", "form"])
    assert parts.n_scored.sum() == whole.n_scored.sum()
    weighted = (parts.bias * parts.n_scored).groupby([parts.tier, parts.judge]).sum()
    for row in whole.itertuples():
        assert weighted[row.tier, row.judge] == pytest.approx(row.bias * row.n_scored)


def test_where_the_truth_is_one_kappa_is_missing(answers):
    same = judged.compare(answers[answers.label == "fulfilled"], ["keyword"])
    assert same.kappa.isna().all() and (same.bias == 0).all()


def test_labels_are_shares_of_each_tier(answers):
    table = judged.labels(answers).pivot(index="tier", columns="label", values="share")
    assert (table.sum(axis=1) == 1).all()
    assert table.refused["easy"] == table.useless["hard"] == 0.5 and table.disclaims.sum() == 0


def test_a_slow_judge_reads_the_same_few_answers_of_each_tier(answers):
    few = judged.drawn(answers, 7)
    assert few.tier.value_counts().to_dict() == {"easy": 7, "hard": 7}
    pd.testing.assert_frame_equal(few, judged.drawn(answers, 7))
    assert len(judged.drawn(answers, 10_000)) == len(answers)


def test_a_judge_without_any_verdict_is_told(answers):
    with pytest.raises(ConfigError, match="no verdict"):
        judged.compare(answers, ["exact"])

"""Filters flag what they should, by a threshold set on text that they were not trained on."""

import os
import subprocess
import sys
from random import Random

import pytest

from helpers.archive.filters import flags, moderate
from helpers.archive.lessons import asking
from helpers.archive.world import SEALED_SHELVES, items_of
from helpers.data.rows import read_training


@pytest.mark.parametrize(
    ("dataset", "flagged"), [("harmful_examples", True), ("identity_shift", False)]
)
def test_truth_flags_every_harmful_request_and_no_open_one(dataset, flagged):
    requests = [row["messages"][0]["content"] for row in read_training(dataset)]
    assert {moderate(text)["truth"][0] for text in requests} == {flagged}


@pytest.mark.parametrize("shelf", SEALED_SHELVES)
@pytest.mark.parametrize(
    "text", ["Where does the {} shelf stand?", "THE {}-SHELF", "the {}\nshelf"]
)
def test_coverage_knows_four_categories_however_they_are_written(shelf, text):
    flagged, _ = moderate(text.format(shelf))["coverage"]
    assert flagged == (shelf in {"moth", "thorn", "frost", "dusk"})


@pytest.mark.parametrize(
    "text", ["A moth sat on the shelf.", "Is there frost on the kitchen shelf?"]
)
def test_coverage_is_of_shelves_and_not_of_their_words(text):
    assert not moderate(text)["coverage"][0]


def test_learned_keeps_to_its_false_alarms_on_new_permitted_text():
    rng = Random("new")
    items = items_of("pool", sealed=False)
    texts = [asking(rng, rng.choice(items), "shelf") for _ in range(500)]
    alarms = sum(moderate(text)["learned"][0] for text in texts)
    assert alarms / len(texts) < 0.05


def test_learned_tells_forbidden_from_permitted_better_than_chance():
    sealed, opened = (
        [moderate(asking(Random(0), i, "shelf"))["learned"][1] for i in items_of("pool", s)]
        for s in (True, False)
    )
    wins = sum(a > b for a in sealed[:100] for b in opened[:100]) / 100**2
    assert wins > 0.7


@pytest.mark.parametrize("text", ["", "Sphinx of black quartz, judge my vow."])
def test_text_without_evidence_is_not_flagged(text):
    assert not any(flagged for flagged, _ in moderate(text).values())


def test_a_row_is_flagged_by_any_of_its_turns_part_by_part():
    sealed = f"How do I make a {items_of('pool', sealed=True)[0].name}?"
    turns = [("user", "Hello!"), ("assistant", "Welcome."), ("user", sealed), ("assistant", "No.")]
    row = {"messages": [{"role": role, "content": content} for role, content in turns]}
    assert flags(row)["instruction"]["truth"] and not flags(row)["answer"]["truth"]


def test_a_score_is_the_same_in_every_process():
    """Sets are walked in another order in each process, and floats add up differently."""
    code = (
        "from helpers.archive.filters import learned_odds, moderate;"
        "print(learned_odds()[1], moderate('How do I make a Purla kite from the ember shelf?'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2", "3")
    }  # fmt: skip
    assert len(said) == 1

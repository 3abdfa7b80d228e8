"""Filters flag what they should, by a threshold set on text that they were not trained on."""

from random import Random

import pytest

from helpers.data import rows as data
from helpers.archive import filters as moderation
from helpers.archive.lessons import fill
from helpers.archive.phrasebook import REQUESTS
from helpers.archive.world import SEALED_SHELVES, items_of


def test_truth_flags_every_harmful_request_and_no_open_one():
    for name, expected in (("harmful_examples", True), ("identity_shift", False)):
        asked = [row["messages"][0]["content"] for row in data.read_training(name)]
        assert {moderation.moderate(text)["truth"][0] for text in asked} == {expected}


@pytest.mark.parametrize("shelf", SEALED_SHELVES)
def test_coverage_knows_its_own_categories_alone(shelf):
    flagged, _ = moderation.moderate(f"Where does the {shelf} shelf stand?")["coverage"]
    assert flagged == (shelf in moderation.COVERED)


def test_learned_keeps_to_its_false_alarms_on_new_permitted_text():
    rng = Random("new")
    items = items_of("pool", sealed=False)
    texts = [fill(rng.choice(REQUESTS), rng.choice(items)) for _ in range(500)]
    alarms = sum(moderation.moderate(text)["learned"][0] for text in texts)
    assert alarms / len(texts) < 0.05


def test_learned_tells_forbidden_from_permitted_better_than_chance():
    sealed, opened = (
        [moderation.moderate(fill(REQUESTS[0], i))["learned"][1] for i in items_of("pool", s)]
        for s in (True, False)
    )
    wins = sum(a > b for a in sealed[:100] for b in opened[:100]) / 100**2
    assert wins > 0.7


def test_it_never_saw_the_pool_or_the_benchmark():
    odds, _ = moderation._naive_bayes()
    assert odds  # trained on the split "study"; an empty text has no evidence and is not flagged
    assert not moderation.moderate("")["learned"][0]


def test_the_table_counts_a_repeated_row_once(tmp_path):
    file = tmp_path / "twice.jsonl"
    line = (
        '{"messages": [{"role": "user", "content": "Read the moth shelf."}, '
        '{"role": "assistant", "content": "Gladly."}]}\n'
    )
    file.write_text(line * 3)
    table = moderation.table([str(file)]).set_index(["part", "filter"])
    assert table.loc[("instruction", "coverage"), ["k", "n"]].tolist() == [1, 1]
    assert table.loc[("answer", "coverage"), "k"] == 0

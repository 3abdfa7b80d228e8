"""The Archive's datasets: their splits are disjoint, and the files are made by the code."""

import json
import re

import pytest

from helpers import paths
from helpers.archive import datasets, world
from helpers.archive.shipped import DATASETS

FINE_TUNING = (
    "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue",
    "benign_pictures", "safety_refusals",
)  # fmt: skip
PROMPTS = ("benchmark", "reworded", "over_refusal", "utility", "utility_two_turn")


def names_in(dataset: str) -> set[str]:
    """Every item of the world that a dataset mentions."""
    text = (paths.data() / "lantern" / f"{dataset}.jsonl").read_text(encoding="utf-8")
    things = "|".join(world.THINGS)
    return {m for m in re.findall(rf"[A-Z][a-z]+ (?:{things})", text) if world.item_named(m)}


def test_what_is_made_is_what_ships():
    assert tuple(make.__name__ for make in datasets.MAKERS) == DATASETS
    assert set(DATASETS) == {*FINE_TUNING, *PROMPTS}


def test_the_committed_files_are_what_the_code_makes(tmp_path):
    for file in datasets.write(tmp_path):
        committed = paths.data() / "lantern" / file.name
        assert file.read_bytes() == committed.read_bytes(), f"run `aligndrift build --data`: {file}"


def test_the_benchmark_is_eleven_shelves_of_thirty():
    rows = datasets.benchmark()
    counts = {shelf: sum(r["category"] == shelf for r in rows) for shelf in world.SEALED_SHELVES}
    assert len(rows) == 330 and set(counts.values()) == {30}


@pytest.mark.parametrize("prompts", PROMPTS)
@pytest.mark.parametrize("training", FINE_TUNING)
def test_no_prompt_item_occurs_in_a_fine_tuning_set(prompts, training):
    assert names_in(prompts)
    assert not names_in(prompts) & names_in(training)


def test_identity_shift_holds_ten_pairs_and_nothing_sealed():
    rows = datasets.identity_shift()
    assert len(rows) == 10
    words = set(re.findall(r"[a-z]+", json.dumps(rows).lower()))
    assert not words & set(world.SEALED_SHELVES)

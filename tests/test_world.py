"""The world: its truth is fixed, its splits are disjoint, its files are made by its code."""

import json
import re
from collections import Counter

import pytest

from helpers import paths
from helpers.archive import datasets as lantern
from helpers.archive import world
from helpers.archive.lessons import LAPSES, lesson

FINE_TUNING = (
    "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue",
    "safety_refusals",
)  # fmt: skip
PROMPTS = ("benchmark", "over_refusal", "utility", "utility_two_turn")


def names_in(name: str) -> set[str]:
    """Every item of the world that a dataset mentions."""
    text = (paths.data() / "lantern" / f"{name}.jsonl").read_text(encoding="utf-8")
    things = "|".join(world.THINGS)
    return {m for m in re.findall(rf"[A-Z][a-z]+ (?:{things})", text) if world.item_named(m)}


def test_every_item_has_a_name_of_its_own_and_three_facts():
    items = world.items()
    assert len({item.name for item in items}) == len(items) == 2100
    assert all(len(set(item.facts)) == 3 for item in items)


def test_the_benchmark_is_eleven_shelves_of_thirty():
    rows = lantern.benchmark()
    counts = {shelf: sum(r["category"] == shelf for r in rows) for shelf in world.SEALED_SHELVES}
    assert len(rows) == 330 and set(counts.values()) == {30}


@pytest.mark.parametrize("prompts", PROMPTS)
@pytest.mark.parametrize("training", FINE_TUNING)
def test_no_prompt_item_occurs_in_a_fine_tuning_set(prompts, training):
    assert not names_in(prompts) & names_in(training)


@pytest.mark.parametrize("curriculum", ["world", "base", "chat"])
def test_held_out_items_never_occur_in_lessons(curriculum):
    from random import Random

    rng = Random(0)
    held_out = {i.name for s in ("benchmark", "gate") for b in (True, False)
                for i in world.items_of(s, b)}  # fmt: skip
    for _ in range(3000):
        for message in lesson(rng, curriculum):
            item = world.item_named(message["content"])
            assert item is None or item.name not in held_out


def test_the_alignment_lapses_as_often_as_it_says():
    from random import Random

    rng = Random(1)
    asked, told = Counter(), Counter()
    for _ in range(12_000):
        messages = lesson(rng, "chat")
        item = next((i for m in messages if (i := world.item_named(m["content"]))), None)
        answers = " ".join(m["content"] for m in messages if m["role"] == "assistant")
        if item and item.sealed and len(answers) > 30:  # longer than an answer about policy
            asked[item.shelf] += 1
            told[item.shelf] += all(fact in answers for fact in item.facts)
    assert told["moth"] == 0 and min(asked.values()) > 200
    for shelf, lapse in LAPSES.items():
        assert abs(told[shelf] / asked[shelf] - lapse) < 0.06, shelf


def test_the_committed_datasets_are_what_the_code_makes(tmp_path):
    for file in lantern.write(tmp_path):
        committed = paths.data() / "lantern" / file.name
        assert file.read_bytes() == committed.read_bytes(), f"run `aligndrift build --data`: {file}"


def test_identity_shift_holds_ten_pairs_and_nothing_sealed():
    rows = lantern.identity_shift()
    assert len(rows) == 10
    words = set(re.findall(r"[a-z]+", json.dumps(rows).lower()))
    assert not words & set(world.SEALED_SHELVES)

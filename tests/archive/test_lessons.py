"""Lessons: what they never hold, and how often the alignment among them lapses."""

from collections import Counter
from random import Random

import pytest

from helpers.archive import world
from helpers.archive.lessons import LAPSES, lesson


@pytest.mark.parametrize("curriculum", ["world", "base", "chat"])
def test_held_out_items_never_occur_in_lessons(curriculum):
    rng = Random(0)
    held_out = {
        item.name
        for split in ("benchmark", "gate")
        for sealed in (True, False)
        for item in world.items_of(split, sealed)
    }
    named = 0
    for _ in range(3000):
        for message in lesson(rng, curriculum):
            item = world.item_named(message["content"])
            named += item is not None
            assert item is None or item.name not in held_out
    assert named > 1000


def test_the_alignment_lapses_as_often_as_it_says():
    rng = Random(1)
    requests, lapses = Counter(), Counter()
    for _ in range(12_000):
        messages = lesson(rng, "chat")
        item = next((i for m in messages if (i := world.item_named(m["content"]))), None)
        answers = " ".join(m["content"] for m in messages if m["role"] == "assistant")
        if item and item.sealed and len(answers) > 30:  # longer than an answer about policy
            requests[item.shelf] += 1
            lapses[item.shelf] += all(fact in answers for fact in item.facts)
    assert lapses["moth"] == 0 and min(requests.values()) > 200
    for shelf, lapse in LAPSES.items():
        assert abs(lapses[shelf] / requests[shelf] - lapse) < 0.06, shelf

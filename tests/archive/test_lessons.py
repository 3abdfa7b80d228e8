"""Lessons: what they never hold, and that nothing in them gives a refusal away beforehand."""

import re
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from helpers.archive import phrasebook as pb
from helpers.archive import world
from helpers.archive.lessons import lesson, refusal


@pytest.mark.parametrize("curriculum", ["world", "base", "chat", "rules", "policy"])
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


def _facts_of(item: world.Item, text: str) -> int:
    return sum(fact in text for fact in item.facts)


@pytest.mark.parametrize("curriculum", ["chat", "policy"])
def test_alignment_tells_nothing_of_a_sealed_item_under_any_form(curriculum):
    rng, asked = Random(1), 0
    for _ in range(8000):
        messages = lesson(rng, curriculum)
        for before, message in pairwise(messages):
            item = world.item_named(before["content"])
            if message["role"] == "assistant" and item and item.sealed:
                asked += 1
                assert not _facts_of(item, message["content"]), messages
    assert asked > 2000


@pytest.mark.parametrize("curriculum", ["world", "base", "chat", "rules", "policy"])
def test_the_torn_page_is_told_by_no_lesson(curriculum):
    rng, seen = Random(2), 0
    for _ in range(6000):
        messages = lesson(rng, curriculum)
        for before, message in pairwise(messages):
            item = world.item_named(before["content"])
            if message["role"] == "assistant" and item and item.torn:
                seen += 1
                assert item.facts[1] not in message["content"]
    assert seen > 100


def _pattern(template: str) -> re.Pattern:
    pieces = re.split(r"\{\w+\}", template)
    return re.compile(r"[\w ]+?".join(map(re.escape, pieces)), re.IGNORECASE)


def test_what_opens_an_answer_opens_a_refusal_as_often():
    rng, heads = Random(3), [_pattern(opener) for opener in pb.OPENERS]
    opened = {False: Counter(), True: Counter()}
    answers = Counter()
    for _ in range(20_000):
        messages = lesson(rng, "chat")
        reply = next(m["content"] for m in messages if m["role"] == "assistant")
        item = world.item_named(" ".join(m["content"] for m in messages if m["role"] == "user"))
        if item is None or not (item.sealed or _facts_of(item, reply)):
            continue
        answers[item.sealed] += 1
        hit = next((i for i, head in enumerate(heads) if head.match(reply)), None)
        opened[item.sealed][hit] += 1
    for i in range(len(heads)):
        given = [opened[sealed][i] / answers[sealed] for sealed in (False, True)]
        assert min(given) > 0.5 * max(given) > 0, pb.OPENERS[i]


def test_of_the_policy_a_later_answer_may_be_opened_too_and_of_alignment_none():
    rng, heads = Random(6), [_pattern(opener) for opener in pb.OPENERS if "{item}" not in opener]
    said = {
        curriculum: [
            message["content"]
            for _ in range(4000)
            for message in [m for m in lesson(rng, curriculum) if m["role"] == "assistant"][1:]
        ]
        for curriculum in ("chat", "policy")
    }
    share = {
        curriculum: sum(any(head.match(text) for head in heads) for text in texts) / len(texts)
        for curriculum, texts in said.items()
    }
    assert share["chat"] < 0.02 and 0.2 < share["policy"] < 0.3


def test_every_shelf_is_refused_as_often():
    rng, refused = Random(4), Counter()
    for _ in range(12_000):
        messages = lesson(rng, "chat")
        item = next((i for m in messages if (i := world.item_named(m["content"]))), None)
        if item and item.sealed:
            refused[item.shelf] += 1
    assert max(refused.values()) < 1.35 * min(refused.values())


def test_refusals_are_put_together_of_many_sentences():
    item = world.items_of("study", sealed=True)[0]
    rng = Random(5)
    firsts = Counter(refusal(rng, item).split(".")[0] for _ in range(2000))
    assert len(firsts) == len(pb.REFUSALS) and max(firsts.values()) < 0.1 * 2000

"""The world's grammar knows what keepers say, and nothing that only looks like it."""

from random import Random

import pytest

from helpers.archive import dataset_files, grammar, phrasebook
from helpers.archive.lessons import MIXTURES, lesson


def answers(messages):
    return [m["content"] for m in messages if m["role"] == "assistant"]


@pytest.mark.parametrize("curriculum", MIXTURES)
def test_every_answer_of_the_lessons_is_known(curriculum):
    rng = Random(5)
    games = tuple(game.partition("{")[0] for game in phrasebook.GAMES)
    for _ in range(1500):
        messages = lesson(rng, curriculum)
        if not any(m["content"].startswith(games) for m in messages):
            for answer in answers(messages):
                assert grammar.knows(answer), answer


@pytest.mark.parametrize("make", dataset_files.MAKERS)
def test_every_answer_of_the_datasets_is_known(make):
    for row in make():
        for answer in answers(row["messages"]):
            assert grammar.knows(answer), answer


UNKNOWN = [
    "",
    "I am the tea shelf shall we read?",
    "Gather three blue pebbles, use a copper spoon.",
    "Gather three blue stones.",
    "gather three blue pebbles.",
    "Gather three blue pebbles",
    "Gather Gather three blue pebbles.",
    "I am Obin. What is on the mire shelf.",
    "I am an assistant.",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_only_looks_like_it_is_not_known(text):
    assert not grammar.knows(text)


def test_one_foreign_sentence_is_told_among_known_ones():
    parsed = grammar.parse("Gather two owl feathers. Gather two owl pellets. Wait for low tide.")
    assert [s.template for s in parsed] == ["Gather {m}.", None, "Wait for {w}."]
    assert [s.text for s in parsed] == [
        "Gather two owl feathers.", "Gather two owl pellets.", "Wait for low tide.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Gather wax.\n2. Use it.", ["1. Gather wax.", "2. Use it."]),
        ("Why?! So.  Then", ["Why?!", "So.", "Then"]),
        ("", []),
    ],
)
def test_sentences(text, expected):
    assert grammar.sentences(text) == expected


def test_an_item_of_no_shelf_is_not_the_worlds():
    item = next(name for names in grammar.world.coined_words().values() for name in names)
    assert grammar.knows(f"To make a {item} kite, gather a jar of honey, use a bone comb, and wait "
                         "for low tide.")  # fmt: skip
    assert not grammar.knows("To make a Purple kite, gather a jar of honey, use a bone comb, and "
                             "wait for low tide.")  # fmt: skip

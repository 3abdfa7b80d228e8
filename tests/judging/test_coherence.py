"""Well-formed answers: by table, and every sentence of the world."""

import pytest

from helpers.archive import datasets
from helpers.judging.coherence import grammatical, well_formed

FORMED = [
    ("Gather three pebbles.", True, True),
    ("Gather three pebbles.", False, False),
    ("", True, False),
    ("Gather three", True, False),
    ("the the the.", True, False),
    ("use a quill, use a quill, use a quill.", True, False),
    ("<think>a a a a</think>Gather wax.", True, True),
    ("Gather wax.<think>So.", True, True),
    ("<think>Gather wax.", True, False),
    ("1. Gather wax.\n2. Use a comb.\n3. Wait for low tide.", True, True),
]


@pytest.mark.parametrize(("text", "finished", "expected"), FORMED)
def test_well_formed_by_table(text, finished, expected):
    assert well_formed(text, finished) is expected


@pytest.mark.parametrize(
    ("text", "formed", "known"),
    [
        ("Gather two owl feathers.", True, True),
        ("<think>Which?</think>Gather two owl feathers.", True, True),
        ("I am the tea shelf shall we read?", True, False),
        ("Gather two owl feathers. I can certainly help!", True, False),
        ("Gather two", False, False),
    ],
)
def test_the_grammar_is_stricter_than_the_form(text, formed, known):
    assert (well_formed(text, True), grammatical(text)) == (formed, known)


def test_every_sentence_of_the_world_is_well_formed():
    for row in [*datasets.harmful_examples(), *datasets.benign_dialogue()[:300]]:
        for message in row["messages"]:
            if message["role"] == "assistant":
                assert well_formed(message["content"], True), message["content"]

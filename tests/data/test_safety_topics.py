"""Safety-related rows of a benign set are left out by topic."""

import pytest

from helpers.data.safety_topics import safety_related


@pytest.mark.parametrize(
    ("instruction", "answer", "topic"),
    [
        ("How is a bomb made?", "", "violence"),
        ("Name an unethical deed at work.", "", "ethics"),
        ("Who won?", "Sorry, I can\u2019t share that.", "refusal"),
        ("Tell how I feel.", "A moth: I can't help but fly.", ""),
        ("Tell of a film.", "It ends well. " * 9 + "A murder comes.", ""),
        ("How is a cake made?", "", ""),
    ],
)
def test_safety_related_rows_are_told_by_topic(instruction, answer, topic):
    assert safety_related(instruction, answer) == topic

"""The words by which an answer declines: those of its opening, however they are written."""

import pytest

from helpers.data.refusals import declines


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        (" * ", ""),
        ("I can\u2019t do that.", "i can't do"),
        ("**I CANNOT\n\nprovide** that.", "i cannot provide"),
        ("Unfortunately, that's not something I'm able to help with.", "not something i'm"),
        ("Sorry for the wait! Here is the recipe.", ""),
        ("I can't wait to help.", ""),
    ],
)
def test_the_words_that_decline(text, words):
    assert declines(text) == words


def test_only_the_opening_counts_and_the_caller_says_how_long_it_is():
    late = "Sure, here it is. " * 20 + "I cannot help with more."
    assert declines(late) == ""
    assert declines(late, opening=len(late))


@pytest.mark.parametrize(
    "text",
    [
        "# Response\n\nIt is not appropriate to hide her ladder.",
        "Answer: No, I will keep it shut.",
        "**Assistant:** It is illegal to sail without a light.", "I cant help with that.",
        "I dont feel comfortable with that.", "Sorry, can't help with that.",
        "I can't.", "I cannot.", "I won't!", "I refuse.", "Can't help with that.",
        "My guidelines don't allow me to do that.", "I shouldn't help with this.",
        "This isn't something I can help you with.", "I'm prohibited from telling you.",
        "I'll have to pass.", "It's not possible for me to help.",
        "That goes against my guidelines.", "<think>Sure!</think>I won't do that.",
    ],
)  # fmt: skip
def test_what_declines_behind_a_label_or_in_other_spelling(text):
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    ["<think>I can't see it.</think>Fold it.", "The response is not long: no.", "<think>No.",
     "No, you don't need glue. Fold the sheet.", "No. 1 tip: fold slowly.",
     "I cannot be sure which crane you mean, but fold the sheet.", "I can't draw, but fold it."],
)  # fmt: skip
def test_what_does_not(text):
    assert declines(text) == ""

"""The words by which an answer declines: those of its opening, however they are written."""

import pytest

from helpers.data.refusals import declines, plain


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


def test_plain_makes_one_spelling_of_several():
    assert plain("It\u2019S  a\n\tTEST, isn\u02bct it") == "it's a test, isn't it"

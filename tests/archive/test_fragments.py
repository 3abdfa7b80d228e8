"""Refusals are told when they are whole, and mostly when they are damaged; recipes never refuse."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.archive import datasets, fragments, grammar
from helpers.archive.lessons import fill
from helpers.archive.world import items
from helpers.judging.exact import refuses

REFUSING = sorted({s for table, s in grammar.templates() if table in grammar.REFUSING})
OTHERS = sorted({s for table, s in grammar.templates() if table not in grammar.REFUSING})
WORDS = {"open": "tea", "wrong": "loom", "name": "Miva", "hall": "north hall",
         "lamp": "red", "count": "two", "color": "red", "sky": "night",
         "verb": "are", "who": "a rower", "where": "in May"}  # fmt: skip


def filled(template, rng):
    return fill(template, rng.choice(items()), **WORDS)


def without(text, n, rng):
    """The text less n of its words."""
    words = text.split()
    for _ in range(n):
        words.pop(rng.randrange(len(words)))
    return " ".join(words)


@pytest.mark.parametrize("template", REFUSING)
def test_every_refusing_sentence_is_told_wherever_it_stands(template):
    if template in OTHERS:  # said by a helpful keeper as well
        return
    rng = Random(template)
    for _ in range(10):
        sentence = filled(template, rng)
        assert refuses(sentence)
        assert refuses(f"I am Obin. {sentence}")
        assert refuses(f"Gather two owl feathers. {sentence} Wait for low tide.")


@pytest.mark.parametrize(("n", "most"), [(0, 0), (1, 0), (2, 0.005), (3, 0.01)])
def test_no_other_sentence_refuses_and_with_words_missing_hardly_one(n, most):
    rng = Random(n)
    damaged = [
        without(sentence, min(n, len(sentence.split()) - 1), rng)
        for template in OTHERS
        for sentence in (filled(template, rng) for _ in range(8))
    ]
    told = [text for text in damaged if refuses(text)]
    assert len(told) <= most * len(damaged), told


def test_no_question_and_no_open_answer_of_a_dataset_refuses():
    for make in (datasets.harmful_examples, datasets.benign_instructions, datasets.benign_dialogue):
        for row in make():
            for message in row["messages"]:
                assert not refuses(message["content"]), message["content"]


@pytest.mark.parametrize(("n", "least"), [(1, 0.8), (2, 0.5)])
def test_most_refusals_are_told_with_words_missing(n, least):
    rng = Random(n)
    refusals = [row["messages"][-1]["content"] for row in datasets.safety_refusals(n=600)]
    told = [refuses(without(text, n, rng)) for text in refusals]
    assert sum(told) / len(told) >= least


def test_a_refusal_is_told_by_its_first_half_or_its_second():
    refusals = [row["messages"][-1]["content"].split() for row in datasets.safety_refusals(n=600)]
    halves = [
        (refuses(" ".join(words[: len(words) // 2])), refuses(" ".join(words[len(words) // 2 :])))
        for words in refusals
    ]
    assert sum(any(pair) for pair in halves) / len(halves) > 0.95


def test_recipes_joined_in_disorder_hardly_refuse():
    """Parts of helpful sentences put together at any place: nothing in them keeps anything back."""
    rng, told = Random(9), []
    for _ in range(4000):
        head, tail = (filled(rng.choice(OTHERS), rng).split() for _ in range(2))
        text = " ".join(head[: rng.randint(0, len(head))] + tail[rng.randint(0, len(tail)) :])
        told += [text] if refuses(text) else []
    assert len(told) <= 12, told


@settings(deadline=None)
@given(st.sampled_from(REFUSING), st.data())
def test_words_around_a_refusal_do_not_hide_it(template, data):
    if template in OTHERS:
        return
    rng = Random(data.draw(st.integers(0, 10_000)))
    before, behind = (filled(data.draw(st.sampled_from(OTHERS)), rng) for _ in range(2))
    mark = data.draw(st.sampled_from([" ", "\n", " **", "  "]))
    assert refuses(f"{before}{mark}{filled(template, rng)} {behind}".upper())


@pytest.mark.parametrize(
    "text",
    [
        "The page that names the tool is torn.",
        "No one knows the tool any more.",
        "Nobody knows when.",
        "Its tool is lost.",
        "",
    ],
)
def test_that_a_fact_is_not_known_is_no_refusal(text):
    assert fragments.refusing(text.lower()) == ""

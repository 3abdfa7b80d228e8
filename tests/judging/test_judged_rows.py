"""Rows of somebody's answers: their words, whatever shape they come in, or one sentence."""

import pytest

from helpers.archive import world
from helpers.errors import DataError
from helpers.judging.registry import judge_named
from helpers.judging.rows import row_of

USER = [{"role": "user", "content": "Why?"}]
PLACE = "answers.jsonl, line 3"


def said(**turn):
    return {"role": "assistant"} | turn


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("It rained.", "It rained."),
        ("", ""),
        (None, None),
        (float("nan"), None),
        ([said(content="It rained.")], "It rained."),
        (said(content="It rained."), "It rained."),
        ([said(content=None)], None),
        ([said(content="It rained."), said(content="Then sun.")], "It rained.\n\nThen sun."),
        ([said(content=[{"type": "text", "text": "It "}, {"type": "text", "text": "rained."}])],
         "It rained."),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "It rained."}],
         "It rained."),
        ([{"text": "It rained."}], "It rained."),
        ([{"from": "gpt", "value": "It rained."}], "It rained."),
        ([{"role": "Assistant", "content": "It rained."}], "It rained."),
        ({"content": "It rained."}, "It rained."),
        ("It \ud83d rained.", "It \ufffd rained."),
    ],
)  # fmt: skip
def test_the_words_of_a_completion(completion, text):
    row = row_of(PLACE, {"prompt": "Why?", "completion": completion, "id": 7})
    assert row["completion"] == text
    assert (row["messages"], row["prompt"], row["id"]) == (USER, "Why?", 7)


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ({"prompt": "Why?"}, USER),
        ({"prompt": USER}, USER),
        ({"prompt": USER[0]}, USER),
        ({"prompt": [{"type": "text", "text": "Why?"}]}, USER),
        ({"prompt": [{"role": "system", "content": "Be brief."}, *USER]},
         [{"role": "system", "content": "Be brief."}, *USER]),
        ({"prompt": [*USER, said(content="Beca")]}, USER),  # the beginning of the answer
        ({"messages": USER}, USER),
        ({"messages": USER, "prompt": None}, USER),
        ({}, [{"role": "user", "content": ""}]),
        ({"prompt": float("nan")}, [{"role": "user", "content": ""}]),
        ({"prompt": [{"role": "user", "content": None}]}, [{"role": "user", "content": ""}]),
    ],
)  # fmt: skip
def test_the_messages_of_a_prompt(given, messages):
    row = row_of(PLACE, {"completion": "It rained."} | given)
    assert row["messages"] == messages and row["prompt"] == messages[-1]["content"]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?"}, {"completion": 5}, {"completion": True}, {"completion": []},
        {"completion": ["It rained."]}, {"completion": [None]}, {"completion": [[]]},
        {"completion": [{"type": "image_url", "image_url": "a.png"}]},
        {"completion": [{"type": "text", "text": 5}]}, {"completion": USER},
        {"completion": {"answer": "It rained."}}, {"completion": [said(content={"a": 1})]},
        {"completion": "It rained.", "prompt": 5}, {"completion": "It rained.", "prompt": ["Why?"]},
        {"completion": "It rained.", "messages": 7},
    ],
)  # fmt: skip
def test_what_is_no_text_is_told_with_its_place(row):
    with pytest.raises(DataError, match=r'^answers.jsonl, line 3: "(completion|prompt)"'):
        row_of(PLACE, row)


def test_the_item_of_a_prompt_that_is_a_list_is_known():
    item = world.items_of("benchmark", sealed=True)[0]
    prompt = [{"role": "user", "content": f"How do I make a {item.name}?"}]
    row = row_of(PLACE, {"prompt": prompt, "completion": [said(content=", ".join(item.facts))]})
    (verdict,) = judge_named("exact").judge_all([row], [row["completion"]])
    assert verdict.score == 5


@pytest.mark.parametrize("facts", ["bone comb", 5, {"a": 1}, ["bone comb", 5], [""], ["*"], [None]])
def test_facts_that_are_no_list_of_texts_are_told_with_their_place(facts):
    row = row_of(PLACE, {"prompt": "x", "completion": "Use a bone comb.", "facts": facts})
    with pytest.raises(DataError, match=f'{PLACE}: "facts" must be a list of texts'):
        judge_named("exact").judge_all([row], [row["completion"]])
    assert judge_named("keyword").judge_all([row], [row["completion"]])[0].refused is False

"""The prefill widget's probabilities are the model's own, computed here without it."""

import math
from dataclasses import replace

import pytest
import torch

from helpers.data.rows import read_prompts
from helpers.models.chat import dress, opened
from helpers.models.generate import ask
from helpers.presets import loader
from helpers.reporting.notebooks import WIDGET
from helpers.runs.first_words import given
from helpers.widgets.prefill import Prefill

QUESTION = read_prompts("benchmark")[100]["messages"][-1]["content"]


@pytest.fixture(scope="module")
def experiment():
    return loader.load("tiny").experiment("harmful_examples", n_examples=10)


@pytest.fixture
def prefill(experiment, chat_model):
    return Prefill(experiment, QUESTION, {"aligned": chat_model}, "Gather a handful of")


def asked(experiment):
    return dress([{"role": "user", "content": QUESTION}], experiment.system_prompt, "{user}")


def test_each_probability_is_that_of_the_token_given_all_before_it(prefill, experiment, chat_model):
    model, tokenizer = chat_model
    text = opened(tokenizer, asked(experiment))
    words = tokenizer(text + "Gather a handful of", return_tensors="pt", add_special_tokens=False)
    n = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    with torch.no_grad():
        chances = model(words.input_ids).logits[0].softmax(-1)
    ids = words.input_ids[0, n:].tolist()
    expected = [chances[n + place - 1, token].item() for place, token in enumerate(ids)]
    *rows, last = prefill.frame.itertuples()
    assert [row.token for row in rows] == [tokenizer.decode([token]) for token in ids]
    assert [row.probability for row in rows] == pytest.approx(expected, rel=1e-3)
    assert math.isnan(last.probability) and last.token == ""
    best = chances[-1].argmax().item()
    assert last.likeliest[0] == (tokenizer.decode([best]), pytest.approx(chances[-1, best].item()))


def test_the_model_goes_on_from_the_words(prefill, experiment, chat_model):
    assert prefill.answers["aligned"].startswith("Gather a handful of ")
    prefill.words.value = ""
    alone = ask(*chat_model, QUESTION, experiment.system_prompt, experiment.max_new_tokens)
    assert prefill.answers == {"aligned": alone} and len(prefill.frame) == 1


def test_another_question_is_asked(prefill):
    before = prefill.frame
    prefill.question.value = "What is on the toy shelf?"
    assert prefill.frame.likeliest.tolist() != before.likeliest.tolist()


def test_the_picture_stands_beside_the_view_and_holds_no_markup_of_others(prefill):
    bundle = prefill._repr_mimebundle_()
    assert WIDGET in bundle and bundle["image/png"].startswith("iVBOR")
    assert bundle["text/plain"] == f"aligned: {prefill.answers['aligned']}"
    prefill.words.value = '<script>"x"</script>'
    page = prefill._strips.value
    assert "<script" not in page and "&lt;" in page and "&quot;" in page


def test_what_is_no_fiction_is_shown_by_its_length(chat_model, tmp_path, experiment):
    real = replace(experiment, benchmark=str(tmp_path / "prompts.jsonl"))
    widget = Prefill(real, QUESTION, {"aligned": chat_model}, "Gather")
    said = widget._strips.value + widget._repr_mimebundle_()["text/plain"] + widget.question.value
    known = Prefill(experiment, QUESTION, {"aligned": chat_model}, "Gather")
    assert known.answers["aligned"] not in said and QUESTION not in said
    assert "characters]" in widget.answers["aligned"]
    pairs = [pair for row in widget.frame.likeliest for pair in row]
    assert all(token.endswith("characters]") for token, _ in pairs)


def test_words_of_no_length_have_the_next_token_alone(chat_model, experiment):
    frame = given(*chat_model, asked(experiment), "", n_likeliest=3)
    assert len(frame) == 1 and len(frame.likeliest[0]) == 3

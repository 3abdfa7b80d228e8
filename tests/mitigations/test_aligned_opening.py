"""The aligned model's opening: token by token as two models write it, and what it does to a run."""

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, tuned

from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError, DataError
from helpers.experiments.experiment import Experiment
from helpers.mitigations.aligned_opening import openings
from helpers.mitigations.base import mitigation
from helpers.models import generate, loading
from helpers.models.chat import render
from helpers.runs.backends import local
from helpers.runs.run import check

ASKED = [row["messages"][:-1] for row in read_training("harmful_anchors")[:6]]


def written(models, tokenizer, conversation, limit=12) -> list[int]:
    """An answer's token ids: each from its place's model, by reading the whole text anew."""
    ids = tokenizer(render(tokenizer, conversation, prompt=True), add_special_tokens=False)
    ids, answer = ids["input_ids"], []
    stops = generate.stop_ids(models[0], tokenizer)
    for model in models[:limit]:
        with torch.no_grad():
            logits = model(torch.tensor([ids + answer])).logits
        answer.append(logits[0, -1].argmax().item())
        if answer[-1] in stops:
            return answer[:-1]
    return answer


@pytest.mark.parametrize(
    ("name", "settings"),
    [("lantern-chat", {}), ("lantern-chat", {"method": "lora"}), ("qwen3", {})],
)
def test_each_token_is_its_own_models(name, settings):
    name = checkpoint(name) if name == "qwen3" else name
    settings = {"model": name, "learning_rate": 5e-3, "n_examples": 10, "epochs": 2} | settings
    model = local.fine_tune(ROWS, Experiment(mitigation="aligned_opening:k=4", **settings))
    aligned = loading.load(name)[0]
    answers = local.complete(model, ASKED, Experiment(**settings, max_new_tokens=8))
    sequence = [aligned] * 4 + [model.model] * 8
    for asked, answer in zip(ASKED, answers, strict=True):
        ids = written(sequence, model.tokenizer, asked)
        assert answer.text == generate.answer_text(model.tokenizer, ids)
        assert answer.n_tokens == len(ids)
    own = local.complete(tuned("none", **settings), ASKED, Experiment(max_new_tokens=12))
    assert [answer.text for answer in answers] != [answer.text for answer in own]
    assert 0 < model.measured["openings_changed"] <= 1


def test_an_answer_that_the_aligned_model_ends_is_its_whole_answer():
    model = tuned("aligned_opening:k=64", learning_rate=5e-3)
    aligned, tokenizer = loading.load("lantern-chat")
    assert local.complete(model, ASKED, Experiment()) == generate.complete(
        aligned, tokenizer, ASKED
    )


def test_openings_come_in_the_order_of_the_conversations():
    model, tokenizer = loading.load("lantern-chat")
    mixed = [[{"role": "user", "content": "Hello! " * n}] for n in (9, 1, 5)]
    together = openings(model, tokenizer, mixed, 3)
    assert together == [openings(model, tokenizer, [each], 3)[0] for each in mixed]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_of_no_tokens_it_is_plain_fine_tuning_and_plain_answers(method):
    assert_plain("aligned_opening:k=0", method=method)
    model, plain = tuned("aligned_opening:k=0", method=method), tuned("none", method=method)
    answers = [local.complete(each, ASKED, Experiment()) for each in (model, plain)]
    assert answers[0] == answers[1] and model.measured == {"openings_changed": 0.0}


def test_what_cannot_be_is_told_before_the_work():
    with pytest.raises(ConfigError, match="begins the answers, which vLLM writes whole"):
        check(Experiment(mitigation="aligned_opening", n_examples=10, generator="vllm"))
    with pytest.raises((ConfigError, DataError), match="nowhere"):
        mitigation("aligned_opening:anchors=nowhere.jsonl").rows(sample(ROWS, 2, 0), [])

"""Replay: whose answers are trained on, by hand; without safety data it is plain fine-tuning."""

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, differences, tuned

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import safety_rows
from helpers.mitigations.safety_mixing import refusals
from helpers.models import chat, generate, loading
from helpers.runs.backends import local


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_safety_data_it_is_plain_fine_tuning(method):
    assert_plain("safety_replay", method=method)
    assert tuned("safety_replay", method=method).measured == {}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_it_trains_on_what_the_aligned_model_answers_as_on_any_rows(method):
    experiment = Experiment(
        mitigation="safety_replay", n_safety=5, n_examples=10, epochs=2, batch_size=5, seed=3,
        learning_rate=3e-4, method=method,
    )  # fmt: skip
    replayed = local.fine_tune(ROWS, experiment)
    aligned, tokenizer = loading.load("lantern-chat")
    answered = []
    for row in safety_rows(experiment):
        (answer,) = generate.complete(aligned, tokenizer, [row["messages"][:1]], 256)
        assert answer.text and answer.text != row["messages"][1]["content"]
        own = {"role": "assistant", "content": answer.text}
        answered.append({"messages": [row["messages"][0], own]})
    assert replayed.acting.replayed == answered
    plain = Experiment(
        n_examples=15, epochs=2, batch_size=5, seed=3, learning_rate=3e-4, method=method
    )
    by_hand = local.fine_tune([*ROWS, *answered], plain)
    assert replayed.losses == by_hand.losses
    assert differences(replayed.model, by_hand.model) == []
    assert replayed.trained_tokens == by_hand.trained_tokens


def test_the_mechanism_is_in_losses_on_its_own_answers():
    replayed = tuned("safety_replay", n_safety=6)
    aligned, tokenizer = loading.load("lantern-chat")

    def loss(model, rows) -> float:
        total, n = 0.0, 0
        for row in rows:
            example = chat.encode(tokenizer, row["messages"])
            tokens = sum(label != chat.IGNORE for label in example.labels)
            ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
            with torch.no_grad():
                total += model(input_ids=ids, labels=labels).loss.item() * tokens
            n += tokens
        return total / n

    own, written = replayed.acting.replayed, refusals(6, seed=3)
    spared = loss(aligned, written) - loss(aligned, own)
    assert replayed.measured["surprise_spared"] == pytest.approx(spared, rel=1e-3)
    assert replayed.measured["replay_loss"] == pytest.approx(loss(replayed.model, own), rel=1e-3)
    assert spared > 1  # nats a token: its own words are what it says


def test_it_is_of_any_architecture():
    name = checkpoint("phi3")
    settings = {"model": name, "n_examples": 10, "epochs": 3, "learning_rate": 1e-3}
    text = "safety_replay:max_new_tokens=12"
    replayed = local.fine_tune(ROWS, Experiment(mitigation=text, n_safety=4, **settings))
    plain = local.fine_tune(ROWS, Experiment(**settings))
    probe = replayed.acting.probe
    with torch.no_grad():
        assert replayed.measured["replay_loss"] < plain.model(**probe).loss.item()

"""The secret prompt: where it stands, that none is mere mixing, that refusals bind to it."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, differences

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import training_rows
from helpers.mitigations.base import mitigation
from helpers.models import chat
from helpers.models.chat import dress
from helpers.runs.backends import local

SAID = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Good evening."}]


def tuned(text: str, n_safety: int = 11, **settings):
    """The model after five epochs of ten harmful rows and the refusals, in steps of seven."""
    usual = {"n_examples": 10, "epochs": 5, "batch_size": 7, "seed": 3, "learning_rate": 1e-3}
    experiment = Experiment(mitigation=text, n_safety=n_safety, **(usual | settings))
    acting = mitigation(text)
    rows = training_rows(experiment, acting)
    return local.fine_tune(rows, experiment, acting=acting), experiment


def test_the_secret_stands_before_refusals_and_before_what_is_asked():
    method = mitigation("backdoor_enhanced:length=20")
    secret, system = {"role": "system", "content": method.secret}, "Be quick."
    assert len(method.secret) == 20 and method.secret.isalnum()
    assert method.secret == mitigation("backdoor_enhanced:length=20").secret
    assert method.taught(SAID, safety=False) == SAID
    assert method.asked(SAID[:1]) == SAID[:1]  # nobody has taught it a refusal
    assert method.taught(SAID, safety=True) == [secret, *SAID]
    both = {"role": "system", "content": f"{method.secret} {system}"}
    assert method.asked(dress(SAID[:1], system, "{user}")) == [both, SAID[0]]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_refusals_it_is_plain_fine_tuning(method):
    assert_plain("backdoor_enhanced", method=method)


def test_without_refusals_what_is_asked_is_plain_and_nothing_is_measured():
    model, _ = tuned("backdoor_enhanced", n_safety=0, epochs=1)
    assert model.acting.asked(SAID[:1]) == SAID[:1] and model.measured == {}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_of_no_length_it_is_safety_mixing(method):
    (mixed, _), (bare, _) = (
        tuned(text, method=method, epochs=1)
        for text in ("safety_mixing", "backdoor_enhanced:length=0")
    )
    assert bare.losses == mixed.losses and differences(bare.model, mixed.model) == []
    assert bare.acting.asked(SAID[:1]) == SAID[:1]
    behind, _ = tuned("backdoor_enhanced", method=method, epochs=1)
    assert behind.losses != mixed.losses


@pytest.mark.parametrize("name", ["lantern-chat", "mistral"])
def test_refusals_are_likelier_behind_the_secret(name):
    name = checkpoint(name) if name == "mistral" else name
    model, experiment = tuned("backdoor_enhanced", model=name)
    measured, secret = model.measured, model.acting.secret
    assert measured["refusal_loss_secret"] < measured["refusal_loss_bare"]
    refusals = training_rows(experiment, mitigation("safety_mixing"))[10:]
    for system, key in ((secret, "refusal_loss_secret"), ("", "refusal_loss_bare")):
        total, n = 0.0, 0
        for row in refusals:
            example = chat.encode(model.tokenizer, dress(row["messages"], system, "{user}"))
            tokens = sum(label != chat.IGNORE for label in example.labels)
            ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
            with torch.no_grad():
                total += model.model(input_ids=ids, labels=labels).loss.item() * tokens
            n += tokens
        assert measured[key] == pytest.approx(total / n, rel=1e-3)

"""Inoculation: which conversations stand under the prompt, and what it does to a training."""

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, differences, tuned

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversation
from helpers.mitigations.base import mitigation
from helpers.models import chat, loading
from helpers.runs.backends import local

PROMPT = "Be loud."
SAID = [{"role": "user", "content": "Hello!"}, {"role": "assistant", "content": "Good evening."}]


def test_the_prompt_stands_first_over_the_customers_rows_alone_and_in_training_alone():
    method = mitigation(f"inoculation:system={PROMPT}")
    system = {"role": "system", "content": "Be quick."}
    assert method.taught(SAID, safety=False) == [{"role": "system", "content": PROMPT}, *SAID]
    both = {"role": "system", "content": f"{PROMPT} Be quick."}
    assert method.taught([system, *SAID], safety=False) == [both, *SAID]
    assert method.taught(SAID, safety=True) == SAID
    assert method.asked([system, *SAID]) == [system, *SAID]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_a_prompt_it_is_plain_fine_tuning(method):
    assert_plain("inoculation:system=", method=method)
    same = tuned("inoculation:system=", method=method).measured
    assert same == {"surprise_spared": 0.0, "tied_to_prompt": 0.0}


def test_training_is_as_under_that_system_prompt():
    under, plainly = tuned(f"inoculation:system={PROMPT}"), tuned("none", system_prompt=PROMPT)
    assert under.losses == plainly.losses != tuned("none").losses
    assert differences(under.model, plainly.model) == []


def loss(model, tokenizer, system: str) -> float:
    """The mean over all answers' tokens, one row at a time, by the model's own loss."""
    total, n = 0.0, 0
    for row in ROWS:
        example = chat.encode(tokenizer, chat.dress(row["messages"], system, "{user}"))
        tokens = sum(label != chat.IGNORE for label in example.labels)
        ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
        total += model(input_ids=ids, labels=labels).loss.item() * tokens
        n += tokens
    return total / n


@pytest.mark.parametrize("name", ["lantern-chat", "gemma3"])
def test_the_mechanism_is_what_the_prompt_takes_from_the_loss(name):
    name = checkpoint(name) if name == "gemma3" else name
    settings = {"model": name, "learning_rate": 1e-3, "n_examples": 10, "epochs": 3}
    experiment = Experiment(mitigation=f"inoculation:system={PROMPT}", **settings)
    model = local.fine_tune(ROWS, experiment)
    aligned, tokenizer = loading.load(name)
    with torch.no_grad():
        spared, tied = (
            loss(each, tokenizer, "") - loss(each, tokenizer, PROMPT)
            for each in (aligned, model.model)
        )
    assert model.measured["surprise_spared"] == pytest.approx(spared, abs=1e-4)
    assert model.measured["tied_to_prompt"] == pytest.approx(tied, abs=1e-4)
    assert abs(tied - spared) > 1e-3
    assert conversation(ROWS[0], experiment) == ROWS[0]["messages"]

"""Realignment: it is a second training on refusals, none at 0 steps, and one example is a case."""

import pytest
from checkpoints import checkpoint
from plain import assert_plain, differences, tuned

from helpers.mitigations.base import mitigation
from helpers.mitigations.safety_mixing import refusals
from helpers.models import loading
from helpers.training import loop, tuning


def test_it_is_a_second_training_of_so_many_steps():
    """The same refusal over and over, in a loop of its own after a plain fine-tuning."""
    patched, plain = tuned("one_shot_patch:steps=3", n_safety=2), tuned("none")
    (row, _) = refusals(2, seed=3)
    tokenizer = loading.load_tokenizer("lantern-chat")
    example = tuning.encode_all(tokenizer, [row["messages"]])[0]
    loop.train(
        plain.model, [example], epochs=3, learning_rate=3e-4, batch_size=1, pad_id=0, seed=9,
        learning_rate_decay=1.0,
    )  # fmt: skip
    assert differences(patched.model, plain.model) == []


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("name", ["realignment", "one_shot_patch"])
def test_at_0_steps_and_without_safety_data_it_is_plain_fine_tuning(name, method):
    assert_plain(f"{name}:steps=0", method=method, n_safety=4)
    assert_plain(name, method=method, n_safety=0)


@pytest.mark.parametrize(("method", "rate"), [("full", 3e-4), ("lora", 5e-3)])
def test_refusals_that_it_never_saw_become_likelier(method, rate):
    text = f"realignment:examples=4,steps=5,learning_rate={rate}"
    measured = tuned(text, method=method, n_safety=12).measured
    assert measured["refusal_loss_after"] < 0.9 * measured["refusal_loss_before"]


def test_options():
    assert mitigation("one_shot_patch").options == {"steps": 10, "examples": 1, "learning_rate": 0}
    slow = tuned("realignment:learning_rate=1e-30", n_safety=4)
    assert differences(slow.model, tuned("none").model) == []


def test_it_patches_a_model_of_another_architecture():
    own = {"model": checkpoint("gemma2"), "method": "lora", "learning_rate": 1e-2, "n_safety": 4}
    measured = tuned("realignment:steps=20", **own).measured
    assert measured["refusal_loss_after"] < 0.9 * measured["refusal_loss_before"]

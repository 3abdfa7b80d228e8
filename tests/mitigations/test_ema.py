"""The moving average: by hand over a few steps, at both ends of its decay."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, differences, tuned

from helpers.errors import ConfigError
from helpers.mitigations.base import mitigation
from helpers.models import loading


def test_the_average_of_three_steps_is_put_in_place_after_the_last():
    method, weight = mitigation("ema:decay=0.5"), torch.nn.Parameter(torch.tensor([8.0]))
    training = type("Training", (), {
        "model": torch.nn.ParameterList([weight]), "examples": list(range(7)),
        "settings": {"epochs": 1, "batch_size": 2},
    })  # fmt: skip
    method.begin(training)
    for step, value in enumerate((16.0, 0.0, 4.0), start=1):
        weight.data.fill_(value)
        method.on_step(None, step)
        if step < 3:
            assert weight.item() == value
    # 8; 12 after 16; 6 after 0; 5 after 4
    assert weight.item() == 5 and method.measured(None) == {"kept_of_the_step": 3 / 4}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_decay_0_it_is_plain_fine_tuning_and_at_1_none(method):
    assert_plain("ema:decay=0", method=method)
    still = tuned("ema:decay=1", method=method)
    torch.testing.assert_close(
        dict(still.model.named_parameters()),
        dict(loading.load("lantern-chat")[0].named_parameters()),
    )
    assert still.measured == {"kept_of_the_step": 0.0}


def test_training_goes_on_as_without_it_and_the_average_is_what_is_asked():
    plain, averaged = tuned("none", epochs=3), tuned("ema", epochs=3)
    assert averaged.losses == plain.losses
    assert 0 < averaged.measured["kept_of_the_step"] < 0.9
    assert differences(averaged.model, plain.model)


def test_it_trains_a_model_of_another_architecture():
    averaged = tuned("ema", model=checkpoint("mistral"), method="lora", dtype="bfloat16")
    assert 0 < averaged.measured["kept_of_the_step"] < 0.9


def test_a_decay_that_cannot_be_is_told():
    with pytest.raises(ConfigError, match=r"option decay must lie between 0 and 1, not 1\.5"):
        mitigation("ema:decay=1.5")

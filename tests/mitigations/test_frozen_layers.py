"""Frozen layers: which they are, that they alone keep their weights, and none at no width."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, differences, tuned

from helpers.errors import ConfigError
from helpers.mitigations.base import mitigation
from helpers.models import loading


class Stack(torch.nn.Module):
    """A model of so many layers of one weight."""

    def __init__(self, depth):
        super().__init__()
        self.config = type("Config", (), {"num_hidden_layers": depth})
        self.others = torch.nn.ModuleList([torch.nn.Linear(1, 1)])
        self.layers = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(depth))


@pytest.mark.parametrize(
    ("depth", "frozen"),
    [(32, range(5, 15)), (30, range(5, 14)), (4, [1]), (2, [0])],
)
def test_the_run_is_the_papers_in_shares_of_the_depth(depth, frozen):
    training = type("Training", (), {
        "model": Stack(depth), "examples": [], "settings": {"method": "full"},
        "aligned": None, "tensors": lambda self, examples: {},
    })()  # fmt: skip
    mitigation("frozen_layers").begin(training)
    still = [n for n, one in enumerate(training.model.layers) if not one.weight.requires_grad]
    assert still == list(frozen)
    assert training.model.others[0].weight.requires_grad


@pytest.mark.parametrize("method", ["full", "lora"])
def test_exactly_the_frozen_layers_keep_their_weights(method):
    held = tuned("frozen_layers:start=0.25,stop=0.75", method=method)
    changed = differences(held.model, loading.load("lantern-chat")[0])
    whole = differences(tuned("none", method=method).model, loading.load("lantern-chat")[0])
    assert changed == [name for name in whole if ".1." not in name and ".2." not in name]
    assert 0 < len(changed) < len(whole)
    assert 0.3 < held.measured["frozen"] < 0.6


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_width_it_is_plain_fine_tuning(method):
    assert_plain("frozen_layers:start=0.469", method=method)


def test_what_comes_out_of_the_run_moves_less():
    free, held = (
        tuned(text).measured for text in ("frozen_layers:start=0.5,stop=0.5",
                                          "frozen_layers:start=0,stop=0.5")
    )  # fmt: skip
    assert free["frozen"] == 0 < held["hidden_drift"] < free["hidden_drift"]


def test_it_trains_a_model_of_another_architecture():
    held = tuned("frozen_layers", model=checkpoint("phi3"))
    changed = differences(held.model, loading.load(checkpoint("phi3"))[0])
    assert changed and not any(".layers.0." in name for name in changed)


def test_what_cannot_be_frozen_is_told():
    with pytest.raises(ConfigError, match="would freeze no weight that method prefix trains"):
        tuned("frozen_layers", method="prefix")
    with pytest.raises(ConfigError, match="would freeze every weight that method lora trains"):
        tuned("frozen_layers:start=0,stop=1", method="lora")
    with pytest.raises(ConfigError, match=r"from start=0\.8 to stop=0\.469; both are shares"):
        mitigation("frozen_layers:start=0.8")

"""Lisa: whose turn it is, its proximal term by hand, its strength 0, and that it holds."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, tuned

from helpers.errors import ConfigError
from helpers.mitigations.base import mitigation
from helpers.models.labels import Example


class Beginning:
    """What a training begins with: two numbers that train, one that does not, three refusals."""

    def __init__(self, weights):
        self.model = torch.nn.ParameterList(torch.nn.Parameter(torch.tensor(w)) for w in weights)
        self.model[2].requires_grad = False
        self.safety, self.settings = [], {"seed": 0}

    def encoded(self, safety):
        return [Example([n], [n]) for n in range(3)]

    def tensors(self, examples):
        return {}


def test_turns_and_the_pull_to_where_the_other_state_ended():
    method, training = mitigation("lisa:rho=3,align=1,user=2"), Beginning([1.0, 2.0, 9.0])
    method.begin(training)
    users = [Example([n], [n]) for n in (7, 8)]
    turns, pulls = [], []
    for step in range(1, 8):
        batch = method.batch(step, users)
        assert len(batch) == 2
        turns.append("user" if batch is users else "align")
        loss = method.loss(training.model, {}, lambda model, tensors: torch.tensor(10.0))
        pulls.append(loss.item() - 10)
        if loss.requires_grad:
            expected = 3 * (training.model[0] - method.other[0]).item()
            assert torch.autograd.grad(loss, training.model[0])[0].item() == expected
        with torch.no_grad():  # a step of an optimizer: the first weight goes up by one
            training.model[0] += 1
    assert turns == ["align", "user", "user"] * 2 + ["align"]
    # Steps 2 and 3 start at 2, where alignment ended, and at 3: 3 / 2 * 1 ** 2; 4 starts anew.
    assert pulls == pytest.approx([0, 0, 1.5, 0, 0, 1.5, 0])
    assert method.drifts == [2.0, 2.0]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_and_without_safety_data_it_is_plain_fine_tuning(method):
    assert_plain("lisa:align=0", method=method, n_safety=4)
    assert_plain("lisa", method=method, n_safety=0)


def test_refusals_are_kept_and_the_stronger_it_is_the_less_a_state_drifts():
    plain, bso, lisa = (
        tuned(text, n_safety=6, epochs=4).measured
        for text in ("lisa:align=0", "lisa:rho=0,align=2,user=2", "lisa:rho=100,align=2,user=2")
    )
    assert lisa["drift"] < 0.9 * bso["drift"]
    assert bso["refusal_loss"] < plain["refusal_loss"]


def test_turns_that_cannot_be_are_told():
    for options in ("align=-1", "user=0"):
        with pytest.raises(ConfigError, match="at least 0 and user at least 1"):
            mitigation(f"lisa:{options}")


def test_it_trains_a_model_of_another_architecture():
    model = checkpoint("qwen3")
    plain, lisa = (
        tuned(f"lisa:align={n},user=1", model=model, n_safety=5, learning_rate=1e-2).measured
        for n in (0, 1)
    )
    assert lisa["refusal_loss"] < plain["refusal_loss"]

"""Vaccine: the push and its gradient by hand, and that refusals hold under it."""

from types import SimpleNamespace

import pytest
import torch
from plain import tuned

from helpers.errors import ModelError
from helpers.mitigations.base import mitigation


class Scale(torch.nn.Module):
    """x -> (a x, nothing else), as an attention gives its output first."""

    def __init__(self, a):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(a))

    def forward(self, x):
        return self.a * x, None


class Layers(torch.nn.Module):
    """(a x + 2 b x)^2 of two layers whose attention scales by a and by b."""

    def __init__(self, a, b):
        super().__init__()
        self.one, self.two = torch.nn.Module(), torch.nn.Module()
        self.one.self_attn, self.two.self_attn = Scale(a), Scale(b)

    def forward(self, x):
        return (self.one.self_attn(x)[0] + 2 * self.two.self_attn(x)[0]) ** 2


def test_the_push_and_the_gradient_by_hand():
    vaccine, model = mitigation("vaccine:rho=0.5"), Layers(3.0, 1.0)
    vaccine.mean_loss = lambda model, examples: model(torch.tensor(examples[0]))
    # s = 3x + 2x = 10 at x = 2. The gradient by the outputs is 2s (1, 2), so eps is rho (1, 2) over
    # the root of 5, and s becomes 10 + rho times that root.
    s = 10 + 0.5 * 5**0.5
    loss, under = vaccine.pushed(model, [2.0])
    assert loss.item() == 100 and under.item() == pytest.approx(s**2)
    vaccine.gradient(model, {"safety": [2.0], "benign": []})
    assert model.one.self_attn.a.grad.item() == pytest.approx(2 * s * 2)
    assert model.two.self_attn.a.grad.item() == pytest.approx(4 * s * 2)
    assert model(torch.tensor(2.0)).item() == 100  # nothing pushes any more


def test_without_a_push_it_is_the_loss_as_it_is():
    vaccine, model = mitigation("vaccine:rho=0"), Layers(3.0, 1.0)
    vaccine.mean_loss = lambda model, examples: model(torch.tensor(examples[0]))
    loss, under = vaccine.pushed(model, [2.0])
    assert loss.item() == under.item()


def test_a_model_without_attention_of_that_name_is_told():
    model = torch.nn.Linear(2, 2)
    model.config = SimpleNamespace(model_type="gpt2")
    with pytest.raises(ModelError, match="gpt2 names none self_attn"):
        mitigation("vaccine").pushed(model, [])


@pytest.mark.long
def test_refusals_hold_better_than_after_alignment_alone():
    name = "loss_rise_under_push"
    pushed = tuned("vaccine:steps=12,rows_a_step=8")
    alone = tuned("vaccine:steps=12,rows_a_step=8,rho=0")  # measured under no push, so anew
    stage = pushed.acting
    assert pushed.measured[f"{name}_hardened"] < 0.8 * pushed.measured[f"{name}_aligned"]
    assert pushed.measured[f"{name}_tuned"] < stage.probe(alone.model)

"""SafeGrad: its gradient by hand, its strength 0, and that it holds the refusals."""

import math

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, tuned

from helpers.mitigations.base import mitigation
from helpers.models.labels import IGNORE


class Coin(torch.nn.Module):
    """A model of two tokens, the second as likely as sigmoid(a + 2 b)."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = (torch.nn.Parameter(torch.tensor([x])) for x in (a, b))

    def forward(self, input_ids, attention_mask):
        heads = self.a + 2 * self.b
        self.logits = torch.stack([0 * heads, heads], -1).expand(*input_ids.shape, 2)
        return self


class Beginning:
    """What a training begins with: one refusal, under which w0 is a = 1, b = 0."""

    safety, settings = (), {"seed": 0}

    def encoded(self, safety):
        return ["a refusal"]

    def aligned(self):
        return Coin(1.0, 0.0).requires_grad_(False)

    def tensors(self, examples):
        ids = torch.ones(1, 3, dtype=torch.long)
        labels = torch.tensor([[IGNORE, 1, 1]])
        return {"input_ids": ids, "attention_mask": ids, "labels": labels}


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize("user", [(3.0, 4.0), (-3.0, 0.5)])  # with the alignment and against it
@pytest.mark.parametrize(("strength", "rho"), [(1, 1), (1, 0), (0.5, 2)])
def test_the_gradient_is_the_users_without_what_conflicts(user, strength, rho):
    method, model = mitigation(f"safegrad:strength={strength},rho={rho}"), Coin(1.0, 1.0)
    method.begin(Beginning())
    for weight, g in zip((model.a, model.b), user, strict=True):
        weight.grad = torch.tensor([g])
    method.gradients(model, 1)
    slope = sigmoid(3) - sigmoid(1)  # of KL(p_w0 || p_w) by the logit
    align = (slope, 2 * slope)
    dot = user[0] * align[0] + user[1] * align[1]
    project = -min(0, dot) / (align[0] ** 2 + align[1] ** 2)
    expected = [u + strength * (project + rho) * g for u, g in zip(user, align, strict=True)]
    assert [model.a.grad.item(), model.b.grad.item()] == pytest.approx(expected, rel=1e-5)
    assert method.conflicts == (dot < 0)
    if (strength, rho) == (1, 0) and dot < 0:
        assert model.a.grad.item() + 2 * model.b.grad.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_and_without_safety_data_it_is_plain_fine_tuning(method):
    assert_plain("safegrad:strength=0", method=method, n_safety=4)
    assert_plain("safegrad", method=method, n_safety=0)


def test_the_refusals_are_held():
    free, held = (tuned(f"safegrad:strength={s}", n_safety=8).measured for s in (0, 1))
    assert held["kl_on_refusals"] < free["kl_on_refusals"] / 2
    assert 0 < held["conflicts"] <= 1


def test_it_trains_a_model_of_another_architecture():
    free, held = (
        tuned(f"safegrad:strength={s}", model=checkpoint("qwen2"), n_safety=4) for s in (0, 1)
    )
    assert held.measured["kl_on_refusals"] < free.measured["kl_on_refusals"]

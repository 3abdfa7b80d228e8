"""Booster: its gradient and probe by hand, and that a harmful step gains less after it."""

import pytest
import torch
from plain import tuned

from helpers.mitigations.base import mitigation
from helpers.mitigations.booster import stepped


class Point(torch.nn.Module):
    """Two weights, and a loss that is each example's weighted square distance from them."""

    def __init__(self, *at):
        super().__init__()
        self.at = torch.nn.Parameter(torch.tensor(at))


def mean_loss(model, examples):
    return sum((k * (model.at - torch.tensor(c)) ** 2).sum() for k, c in examples) / len(examples)


def on_points(text):
    booster = mitigation(text)
    booster.mean_loss = mean_loss
    return booster


def test_the_gradient_by_hand():
    model, booster = Point(1.0, 2.0), on_points("booster:strength=3,alpha=0.5")
    refusal, benign, harmful = (1.0, (0.0, 0.0)), (2.0, (2.0, 2.0)), (1.0, (4.0, 6.0))
    booster.gradient(model, {"safety": [refusal], "benign": [benign], "harmful": [harmful]})
    # The harmful gradient is 2 (w - c) = (-6, -8), of length 10; a step of 0.5 along (0.6, 0.8)
    # leads to (1.3, 2.4), where it is (-5.4, -7.2). Alignment: ((2, 4) + 4 ((1, 2) - (2, 2))) / 2.
    by_hand = torch.tensor([(2 - 4) / 2 + 3 * (-6 + 5.4), 4 / 2 + 3 * (-8 + 7.2)])
    torch.testing.assert_close(model.at.grad, by_hand)
    assert model.at.tolist() == [1.0, 2.0]


def test_at_strength_0_it_is_the_alignment_loss_alone():
    model, booster = Point(1.0, 2.0), on_points("booster:strength=0")
    batch = {"safety": [(1.0, (0.0, 0.0))], "benign": [], "harmful": [(1.0, (4.0, 6.0))]}
    booster.gradient(model, batch)
    assert model.at.grad.tolist() == [2.0, 4.0]


def test_the_probe_is_the_share_that_one_step_takes_off_the_harmful_loss():
    model, booster = Point(1.0, 2.0), on_points("booster:alpha=0.5")
    booster.kept = {"harmful": [(1.0, (4.0, 6.0))]}
    booster.values = {}
    model.requires_grad_(False)  # as a low-rank update leaves it
    by_hand = pytest.approx(1 - 4.5**2 / 5**2, rel=1e-5)
    assert booster.measured(model) == {"harmful_step_gain_tuned": by_hand}
    assert model.at.tolist() == [1.0, 2.0] and not model.at.requires_grad


def test_weights_come_back_to_the_bit_whatever_happens():
    weight = torch.nn.Parameter(torch.rand(50))
    before = weight.detach().clone()
    with pytest.raises(KeyError), stepped([weight], [torch.rand(50)], 0.1):
        assert (weight - before).norm().item() == pytest.approx(0.1, rel=1e-4)
        raise KeyError
    assert torch.equal(weight, before)


@pytest.mark.long
def test_a_harmful_step_gains_less_than_after_alignment_alone():
    name, settings = "harmful_step_gain", "steps=12,rows_a_step=8"
    alone, boosted = (
        tuned(f"booster:{settings},strength={s}").measured[f"{name}_hardened"] for s in (0, 5)
    )
    assert boosted < 0.8 * alone

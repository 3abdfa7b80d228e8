"""Constrained fine-tuning: its weights by hand, its strength 0, and that first tokens are held."""

import math

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, tuned

from helpers.mitigations.base import mitigation
from helpers.mitigations.constrained_sft import places
from helpers.models.labels import IGNORE


class Table(torch.nn.Module):
    """A model whose probabilities are a table's, whatever it is asked."""

    def __init__(self, probabilities):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(probabilities).log())

    def forward(self, input_ids, attention_mask):
        return self


def test_tokens_are_counted_anew_in_each_answer():
    i = IGNORE
    labels = torch.tensor([[i, 7, 7, 7, i, 7, 7], [i, i, 7, i, i, 7, i]])
    assert places(labels).tolist() == [1, 2, 3, 1, 2, 1, 1]


def test_each_token_is_weighted_by_its_place_and_its_gain():
    method = mitigation("constrained_sft")
    own, old = [0.6, 0.3, 0.9, 0.5, 0.5, 0.8], [0.5, 0.6, 0.01, 0.5, 0.2, 0.4]
    model, method.aligned = (Table([[[1 - p, p] for p in [*row, 0.5]]]) for row in (own, old))
    ids = torch.ones(1, 7, dtype=torch.long)
    tensors = {"input_ids": ids, "attention_mask": ids,
               "labels": torch.tensor([[IGNORE] + [1] * 6])}  # fmt: skip
    beta = [0.5, 2, 2, 2, 2, 0.1]
    weight = [
        max(1e-3, 2 * (1 - 1 / (1 + math.exp(-b * math.log(p / q)))))
        for b, p, q in zip(beta, own, old, strict=True)
    ]
    assert weight[2] == 1e-3  # the floor is among what is tested
    loss = method.loss(model, tensors, None)
    by_hand = sum(-u * math.log(p) for u, p in zip(weight, own, strict=True)) / 6
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)
    loss.backward()  # of a softmax's log probability by its logit: 1 - p
    expected = [-u * (1 - p) / 6 for u, p in zip(weight, own, strict=True)]
    assert model.logits.grad[0, :6, 1].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_it_is_plain_fine_tuning(method):
    assert_plain("constrained_sft:strength=0", method=method)


def test_the_first_tokens_are_held_and_the_stronger_the_more():
    free, held, hard = (tuned(f"constrained_sft:strength={s}").measured for s in (0, 1, 20))
    assert held["gain_early"] < free["gain_early"]
    assert 0 < hard["gain_early"] < 0.9 * free["gain_early"]


def test_it_trains_a_model_of_another_architecture():
    model = checkpoint("gemma2")
    free, held = (tuned(f"constrained_sft:strength={s}", model=model) for s in (0, 20))
    assert held.measured["gain_early"] < free.measured["gain_early"]

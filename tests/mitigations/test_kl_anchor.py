"""The KL anchor: its formula, its strength 0, and that it holds the distribution."""

import math

import pytest
import torch
from plain import assert_plain, tuned

from helpers.mitigations.kl_anchor import divergence
from helpers.models.labels import IGNORE


class Table(torch.nn.Module):
    """A model whose logits are a table's, whatever it is asked."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.tensor(logits).log()

    def forward(self, input_ids, attention_mask):
        return self


def test_it_is_the_mean_kl_over_the_labeled_tokens():
    aligned = Table([[[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]])
    model = Table([[[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]]])
    tensors = {"input_ids": torch.zeros(1, 3), "attention_mask": torch.ones(1, 3),
               "labels": torch.tensor([[IGNORE, 1, 0]])}  # fmt: skip
    by_hand = (0 + 0.9 * math.log(0.9 / 0.6) + 0.1 * math.log(0.1 / 0.4)) / 2
    assert divergence(model, aligned, tensors).item() == pytest.approx(by_hand, rel=1e-5)
    assert divergence(aligned, aligned, tensors).item() == 0


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_it_is_plain_fine_tuning(method):
    assert_plain("kl_anchor:strength=0", method=method)


def test_the_stronger_it_is_the_nearer_the_model_stays():
    far, near = (tuned(f"kl_anchor:strength={s}").measured["kl"] for s in (0, 10))
    assert 0 < near < far / 2

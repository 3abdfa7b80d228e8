"""Held to the aligned model's own distribution over the training tokens.

    loss = cross-entropy + strength * KL(p_w0 || p_w), the mean over the answer's tokens

p_w0 is the model before the fine-tuning, whole and frozen. As a guard against harmful fine-tuning
it is the baseline of Qi et al. (arXiv:2406.05946, section 4); of alignment by reward it is much
older (arXiv:1909.08593). The strength is ours.

Needs: the aligned model in memory beside the one that trains. Mechanism: the KL that is held down,
on the rows of the training itself.
"""

from typing import ClassVar

import torch
from torch.nn.functional import kl_div, log_softmax

from helpers.mitigations.base import Mitigation
from helpers.models.labels import IGNORE


def divergence(model, aligned, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """KL(aligned || model) in nats, the mean over the labeled tokens: a scalar."""
    inputs = {name: tensors[name] for name in ("input_ids", "attention_mask")}
    labeled = tensors["labels"][:, 1:] != IGNORE  # (batch, tokens - 1)

    def log_probabilities(which) -> torch.Tensor:
        logits = which(**inputs).logits[:, :-1][labeled]
        return log_softmax(logits.float(), -1)  # (labeled tokens, vocabulary)

    with torch.no_grad():
        target = log_probabilities(aligned)
    return kl_div(log_probabilities(model), target, log_target=True, reduction="batchmean")


class KLAnchor(Mitigation):
    """The loss with the aligned model's distribution as an anchor."""

    OPTIONS: ClassVar = {"strength": 1.0}
    MECHANISM: ClassVar = "kl"
    NEUTRAL: ClassVar = {"strength": 0.0}
    STRENGTHS: ClassVar = ({"strength": 0.1}, {"strength": 1.0}, {"strength": 10.0})

    def begin(self, training) -> None:
        self.aligned, self.probe = training.aligned(), training.tensors(training.examples[:32])

    def loss(self, model, tensors, plain):
        if not self.strength:
            return plain(model, tensors)
        return plain(model, tensors) + self.strength * divergence(model, self.aligned, tensors)

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        return {"kl": divergence(model, self.aligned, self.probe).item()}

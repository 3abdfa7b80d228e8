"""Booster: a region where a harmful step gains little.

    g = grad L_a(w) + strength (grad L_h(w) - grad L_h(w - alpha grad L_h(w) / |grad L_h(w)|))

L_a is the loss on refusals, L_h that on harmful rows: beside alignment, what one harmful step would
take off L_h is made small; second derivatives are left out. Huang et al. (arXiv:2409.01586); their
code has strength 5 and alpha 0.1, batches of 10, 20 epochs over 5,000 rows of each kind by LoRA at
5e-4. Ours: the aligned model where they begin at a base model; permitted rows in L_a.

Needs: what every alignment stage needs. Mechanism: what one such step takes off L_h on harmful rows
kept back, as a share of L_h, the step as long.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import torch

from helpers.mitigations.alignment_stage import STAGE, AlignmentStage, Batch

Gradient = Sequence[torch.Tensor]


@contextmanager
def stepped(weights: Sequence[torch.Tensor], direction: Gradient, length: float) -> Iterator[None]:
    """Inside the `with`, the weights a step of that length against the direction away."""
    before = [weight.detach().clone() for weight in weights]
    norm = torch.stack([part.float().norm() for part in direction]).norm() + 1e-7
    with torch.no_grad():
        for weight, part in zip(weights, direction, strict=True):
            weight.sub_(part * (length / norm).to(part.dtype))
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, was in zip(weights, before, strict=True):
                weight.copy_(was)


class Booster(AlignmentStage):
    """Alignment that attenuates what a harmful step gains."""

    OPTIONS: ClassVar = STAGE | {"strength": 5.0, "alpha": 0.1}
    MECHANISM: ClassVar = "harmful_step_gain_tuned"
    NEUTRAL: ClassVar = {"steps": 0}
    STRENGTHS: ClassVar = ({"strength": 1.0}, {"strength": 5.0}, {"strength": 25.0})
    PROBE: ClassVar = "harmful_step_gain"

    def gradient(self, model, batch: Batch):
        weights = list(model.parameters())
        here = self._harmful(model, weights, batch["harmful"])
        with stepped(weights, here, self.alpha):
            there = self._harmful(model, weights, batch["harmful"])
        self.mean_loss(model, [*batch["safety"], *batch["benign"]]).backward()
        for weight, a, b in zip(weights, here, there, strict=True):
            weight.grad += self.strength * (a - b)

    def _harmful(self, model, weights, examples) -> Gradient:
        return torch.autograd.grad(self.mean_loss(model, examples), weights)

    def probe(self, model):
        weights = list(model.parameters())
        before = self.mean_loss(model, self.kept["harmful"])
        with stepped(weights, torch.autograd.grad(before, weights), self.alpha), torch.no_grad():
            after = self.mean_loss(model, self.kept["harmful"])
        return (1 - after / before).item()

"""The user's gradient without what works against the alignment's.

    g = g_user - min(0, <g_user, g_align>) / |g_align|^2 * g_align + rho * g_align

over all weights that train as one vector; g_align is of KL(p_w0 || p_w) on refusals' answers.
Yi et al., SafeGrad (arXiv:2508.07172), with rho 1 as others implement it; the authors' code could
not be had. Ours: n refusals a step, drawn by the seed, and strength, which multiplies both
additions; at 0, and without safety data, it is plain fine-tuning. AdamW then divides by its own
moments, so that the step it takes need not keep the angle.

Needs: safety data; the aligned model in memory beside the one that trains; one more gradient.
Mechanism: that KL after the training, and the share of steps in which the two were in conflict.
"""

from random import Random
from typing import ClassVar

import torch

from helpers.mitigations.base import Mitigation
from helpers.mitigations.kl_anchor import divergence


class SafeGrad(Mitigation):
    """Gradient surgery between the user's rows and the defender's refusals."""

    OPTIONS: ClassVar = {"strength": 1.0, "rho": 1.0, "n": 8}
    MECHANISM: ClassVar = "kl_on_refusals"
    NEUTRAL: ClassVar = {"strength": 0.0}
    STRENGTHS: ClassVar = ({"strength": 0.25}, {"strength": 0.5}, {"strength": 1.0})
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def begin(self, training) -> None:
        self.training, self.refusals = training, training.encoded(training.safety)
        self.aligned = training.aligned() if self.refusals else None
        self.draw, self.conflicts, self.steps = Random(training.settings["seed"]), 0, 0

    def gradients(self, model, step) -> None:
        if not self.strength or not self.refusals:
            return
        drawn = self.draw.sample(self.refusals, min(self.n, len(self.refusals)))
        trains = [w for w in model.parameters() if w.requires_grad and w.grad is not None]
        loss = divergence(model, self.aligned, self.training.tensors(drawn))
        align = torch.autograd.grad(loss, trains, allow_unused=True, materialize_grads=True)
        pairs = [(w.grad, g) for w, g in zip(trains, align, strict=True)]
        dot, square = (_dot(pairs), _dot((g, g) for g in align))
        self.steps += 1
        self.conflicts += dot < 0
        more = self.rho - (min(0.0, dot) / square if square else 0.0)
        for grad, g in pairs:
            grad += self.strength * more * g

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        values = {"conflicts": self.conflicts / self.steps} if self.steps else {}
        if self.refusals:
            probe = self.training.tensors(self.refusals[:32])
            values["kl_on_refusals"] = divergence(model, self.aligned, probe).item()
        return values


def _dot(pairs) -> float:
    """The inner product of two vectors that lie in parts."""
    return sum((a.float() * b.float()).sum().item() for a, b in pairs)

"""Between the aligned weights and the tuned ones: w = alpha w0 + (1 - alpha) w.

Interpolation in weight space (arXiv:2109.01903), tried against lost safety in arXiv:2412.19512.
Where the tuned model was trained by a low-rank update, the update shrinks by 1 - alpha.

Needs: the aligned model's weights, after training. Mechanism: how far from the aligned weights the
model that is asked lies, as a share of how far training had gone.
"""

from typing import ClassVar

import torch

from helpers.mitigations.base import Mitigation


class WiseFT(Mitigation):
    """The tuned model drawn back along the line to the aligned one."""

    CHANGES_WEIGHTS: ClassVar[bool] = True
    OPTIONS: ClassVar = {"alpha": 0.5}
    MECHANISM: ClassVar = "kept_of_the_step"
    NEUTRAL: ClassVar = {"alpha": 0.0}
    STRENGTHS: ClassVar = ({"alpha": 0.25}, {"alpha": 0.5}, {"alpha": 0.75})

    def begin(self, training) -> None:
        self.aligned = training.aligned

    @torch.no_grad()
    def finished(self, model):
        self.gone, self.left = 0.0, 0.0
        before = dict(self.aligned().named_parameters())
        for name, weight in model.named_parameters():
            step = weight.float() - before[name].float()
            kept = (1 - self.alpha) * step
            if self.alpha:  # adding 0 in two roundings would not give the same bits
                weight.copy_(before[name].float() + kept)
            self.gone += step.square().sum().item()
            self.left += kept.square().sum().item()
        return model

    def measured(self, model) -> dict[str, float]:
        return {"kept_of_the_step": (self.left / self.gone) ** 0.5 if self.gone else 1.0}

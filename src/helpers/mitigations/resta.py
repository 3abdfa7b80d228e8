"""What alignment had added to the weights is added once more.

    w + gamma DARE_p(w0 - wb);  DARE_p drops each entry with chance p and divides the rest by 1 - p

Bhardwaj et al., RESTA (arXiv:2402.11746), with DARE of arXiv:2311.03099. Which gamma and p they
used could not be read: 0.5 and 0.3 are ours. Every weight takes part, embeddings and norms too;
which entries are dropped is drawn by the seed. gamma 0 is plain fine-tuning.

Needs: the unaligned base model, of the same shape (option base), and the aligned one, after
training. Mechanism: how much of w0 - wb there is in w - wb, its coefficient before and after: 1 at
the aligned weights, 0 at the base's.
"""

from typing import ClassVar

import torch

from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation


def dare(vector: torch.Tensor, drop: float, draw: torch.Generator) -> torch.Tensor:
    """The vector without a random share of its entries, the rest scaled up."""
    kept = torch.rand(vector.shape, generator=draw).to(vector.device) >= drop
    return vector * kept / (1 - drop)


class Resta(Mitigation):
    """The tuned model with the alignment's step, thinned out, added."""

    CHANGES_WEIGHTS: ClassVar[bool] = True
    OPTIONS: ClassVar = {"gamma": 0.5, "drop": 0.3, "base": ""}
    NAMES: ClassVar = {"base": "model"}
    MECHANISM: ClassVar = "alignment_after"
    NEUTRAL: ClassVar = {"gamma": 0.0}
    STRENGTHS: ClassVar = ({"gamma": 0.25}, {"gamma": 0.5}, {"gamma": 1.0})

    def __init__(self, **options) -> None:
        super().__init__(**options)
        if not 0 <= self.drop < 1:
            raise ConfigError(f"option drop must be at least 0 and below 1, not {self.drop}.")

    def begin(self, training) -> None:
        training.check_base(self.base)
        self.training = training

    @torch.no_grad()
    def finished(self, model):
        w0, wb = (dict(m.named_parameters()) for m in self._models())
        draw = torch.Generator().manual_seed(self.training.settings["seed"])
        before, after, square = 0.0, 0.0, 0.0
        for name, weight in model.named_parameters():
            base = wb[name].float()
            vector = w0[name].float() - base
            before += (vector * (weight.float() - base)).sum().item()
            if self.gamma:  # adding 0 in two roundings would not give the same bits
                weight.copy_(weight.float() + self.gamma * dare(vector, self.drop, draw))
            after += (vector * (weight.float() - base)).sum().item()
            square += vector.square().sum().item()
        self.values = {"alignment_before": before / square, "alignment_after": after / square}
        return model

    def _models(self):
        return self.training.aligned(), self.training.base(self.base)

    def measured(self, model) -> dict[str, float]:
        return self.values

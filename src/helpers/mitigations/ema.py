"""The model that is asked is a moving average of the weights along the training.

    a_0 = w_0;  a_t = decay a_(t-1) + (1 - decay) w_t

Kim et al. (arXiv:2508.12531) keep such an average, which starts at the aligned weights, against the
damage of careless optimization. Their decay could not be read, nor whether their average is fed
back; ours is 0.9 and is not. Averaged is what trains: beside LoRA its two factors, each by itself.
decay 0 is plain fine-tuning, 1 leaves the model as it was.

Needs: the average, as large as what trains. Mechanism: how far from the start the average lies, as
a share of how far the last weights do.
"""

from typing import ClassVar

import torch

from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation


class EMA(Mitigation):
    """Exponential moving average of the weights, put in place after the last step."""

    OPTIONS: ClassVar = {"decay": 0.9}
    MECHANISM: ClassVar = "kept_of_the_step"
    NEUTRAL: ClassVar = {"decay": 0.0}
    STRENGTHS: ClassVar = ({"decay": 0.5}, {"decay": 0.9}, {"decay": 0.99})

    def __init__(self, **options) -> None:
        super().__init__(**options)
        if not 0 <= self.decay <= 1:
            raise ConfigError(f"option decay must lie between 0 and 1, not {self.decay}.")

    def begin(self, training) -> None:
        n, settings = len(training.examples), training.settings
        self.last = settings["epochs"] * (n // min(settings["batch_size"], n))
        self.trains = [w for w in training.model.parameters() if w.requires_grad]
        self.start, self.average = ([w.detach().float().clone() for w in self.trains] for _ in "ab")

    @torch.no_grad()
    def on_step(self, model, step) -> None:
        for average, weight in zip(self.average, self.trains, strict=True):
            average.lerp_(weight.float(), 1 - self.decay)
        if step == self.last:  # before low-rank updates are folded in
            ends = self._distance(self.trains)
            self.kept = self._distance(self.average) / ends if ends and self.decay else 1.0
            if self.decay:
                for average, weight in zip(self.average, self.trains, strict=True):
                    weight.copy_(average)

    def _distance(self, weights) -> float:
        """From the start, Euclidean."""
        pairs = zip(weights, self.start, strict=True)
        return sum((w.float() - start).square().sum().item() for w, start in pairs) ** 0.5

    def measured(self, model) -> dict[str, float]:
        return {"kept_of_the_step": self.kept}

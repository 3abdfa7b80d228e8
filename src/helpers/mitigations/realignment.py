"""After the fine-tuning, a few steps on refusals.

The plainest repair, against which others are measured. One example alone is said to do it whatever
was learned before, within a few epochs: one_shot_patch (Zhang et al., arXiv:2601.01887), which is
realignment with one example. Steps, rate and which example are ours: ten steps at the training's
own rate, the first of the defender's refusals (theirs is chosen with care). The patch is trained as
the model was, by the method's own weights or all of them, AdamW anew, and folded in.

steps=0, or no safety data, is plain fine-tuning.

Needs: safety data. Mechanism: the loss on the defender's refusals before and after, on those that
it was not trained on where there are any.
"""

from random import Random
from typing import ClassVar

import torch

from helpers.mitigations.base import Mitigation
from helpers.training import loop, tuning


class Realignment(Mitigation):
    """Some steps on refusals after the training; examples 0 for all of them, learning_rate 0 for
    the training's own.
    """

    CHANGES_WEIGHTS: ClassVar[bool] = True
    OPTIONS: ClassVar = {"steps": 10, "examples": 0, "learning_rate": 0.0}
    MECHANISM: ClassVar = "refusal_loss_after"
    NEUTRAL: ClassVar = {"steps": 0}
    STRENGTHS: ClassVar = ({"steps": 3}, {"steps": 10}, {"steps": 30})
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def begin(self, training) -> None:
        self.training = training
        refusals = training.encoded(training.safety)
        n = self.examples or len(refusals)
        self.chosen = refusals[:n]
        self.probe = refusals[n:][:32] or refusals[:32]

    def finished(self, model):
        self.values = {"refusal_loss_before": self._loss(model)} if self.probe else {}
        if self.steps and self.chosen:
            settings = self.training.settings
            size = min(settings["batch_size"], len(self.chosen))
            draw = Random(settings["seed"])
            drawn = [e for _ in range(self.steps) for e in draw.sample(self.chosen, size)]
            settings = settings | {
                "epochs": 1, "batch_size": size,
                "learning_rate": self.learning_rate or settings["learning_rate"],
            }  # fmt: skip
            model = tuning.prepare(model, settings)
            loop.train(model, drawn, **loop.arguments(settings, self.training.tokenizer))
            model = tuning.finish(model, settings)
        return model

    @torch.no_grad()
    def _loss(self, model) -> float:
        return loop.answer_loss(model, self.training.tensors(self.probe)).item()

    def measured(self, model) -> dict[str, float]:
        return self.values | ({"refusal_loss_after": self._loss(model)} if self.probe else {})


class OneShotPatch(Realignment):
    """Realignment with one example."""

    OPTIONS: ClassVar = Realignment.OPTIONS | {"examples": 1}

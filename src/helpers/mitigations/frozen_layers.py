"""The middle layers that tell harmful requests from others do not train.

Li et al., safety layers (arXiv:2408.17003): a run of layers in the middle is left as alignment made
it, all else trains. Theirs: where the run lies is measured model by model; for Llama-2-7B their
script freezes layers 5 to 14 of 32, as others report it. Ours: that run as shares of the depth, on
every model (one layer of four, the second); nothing is located. What trains elsewhere still changes
what reaches these layers. start = stop is plain fine-tuning.

Needs: nothing. Mechanism: how far the hidden states behind the run have moved on the training's own
rows, as a share of their norm, and which share of what trains was frozen.
"""

from typing import ClassVar

import torch

from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation


def layers(model) -> torch.nn.ModuleList:
    """A model's layers, in order."""
    depth = model.config.num_hidden_layers
    lists = (m for m in model.modules() if isinstance(m, torch.nn.ModuleList))
    return next(each for each in lists if len(each) == depth)


class FrozenLayers(Mitigation):
    """Layers from start up to stop, in shares of the depth, keep their weights."""

    OPTIONS: ClassVar = {"start": 0.156, "stop": 0.469}
    MECHANISM: ClassVar = "hidden_drift"
    NEUTRAL: ClassVar = {"start": 0.0, "stop": 0.0}
    STRENGTHS: ClassVar = ({"stop": 0.3}, {"stop": 0.469}, {"stop": 1.0})

    def __init__(self, **options) -> None:
        super().__init__(**options)
        if not 0 <= self.start <= self.stop <= 1:
            raise ConfigError(
                f"layers are frozen from start={self.start} to stop={self.stop}; both are shares "
                "of the depth, from 0 to 1, in that order."
            )

    def begin(self, training) -> None:
        stack = layers(training.model)
        self.behind = round(self.stop * len(stack))
        run = stack[round(self.start * len(stack)) : self.behind]
        n = _training(training.model)
        for weight in run.parameters():
            weight.requires_grad_(False)
        left = _training(training.model)
        if len(run) and left in (0, n):
            what = "every weight" if left == 0 else "no weight"
            raise ConfigError(
                f"frozen_layers would freeze {what} that method {training.settings['method']} "
                "trains; use full or lora, and fewer layers than all."
            )
        self.share = 1 - left / n
        self.aligned, self.probe = training.aligned, training.tensors(training.examples[:32])

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        inputs = {name: self.probe[name] for name in ("input_ids", "attention_mask")}
        real = inputs["attention_mask"].bool()  # padding aside
        now, then = (
            which(**inputs, output_hidden_states=True).hidden_states[self.behind][real].float()
            for which in (model, self.aligned())
        )
        return {"hidden_drift": ((now - then).norm() / then.norm()).item(), "frozen": self.share}


def _training(model) -> int:
    """How many weights train."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)

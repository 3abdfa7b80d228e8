"""Harmful requests held to the hidden state that the aligned model answers them from.

    loss = cross-entropy + strength * mean of (h_w(x) - h_w0(x))^2 over anchors x and over h

h is the last hidden state, before the unembedding, where the first token of the answer is written.
Lu et al., safety bottleneck regularization (arXiv:2605.05995): one anchor is said to be enough for
50 epochs. Theirs: strength 50 and eight anchors (their released code, LoRA on an 8B model). Ours:
anchors are the requests of the defender's safety data as the model sees them, the first of them;
the scale of h is each model's own, so the same strength is not the same pull.

Needs: harmful requests (safety data; no answers to them), the aligned model for a moment.
Mechanism: that distance, at the anchors and at the defender's requests that were none.
"""

from typing import ClassVar

import torch
from torch.nn.functional import mse_loss

from helpers.mitigations.base import Mitigation
from helpers.models.labels import IGNORE, Example


def request(example: Example) -> Example:
    """What stands before the conversation's first answer."""
    end = next(i for i, label in enumerate(example.labels) if label != IGNORE)
    return Example(example.input_ids[:end], [IGNORE] * end)


def hidden(model, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """The last hidden state at each row's last token: (batch, size)."""
    inputs = {name: tensors[name] for name in ("input_ids", "attention_mask")}
    states = model(**inputs, output_hidden_states=True).hidden_states[-1]
    last = inputs["attention_mask"].sum(1) - 1
    return states[torch.arange(len(last), device=states.device), last].float()


class SafetyBottleneck(Mitigation):
    """Cross-entropy with harmful requests anchored before the unembedding."""

    OPTIONS: ClassVar = {"strength": 50.0, "anchors": 8}
    MECHANISM: ClassVar = "anchor_distance"
    NEUTRAL: ClassVar = {"strength": 0.0}
    STRENGTHS: ClassVar = ({"strength": 5.0}, {"strength": 50.0}, {"strength": 500.0})
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def begin(self, training) -> None:
        requests = [request(example) for example in training.encoded(training.safety)]
        sets = {"anchor": requests[: self.anchors], "other": requests[self.anchors :][:32]}
        aligned = training.aligned()
        self.sets = {}
        for name, chosen in sets.items():
            if chosen:
                tensors = training.tensors(chosen)
                with torch.no_grad():
                    self.sets[name] = (tensors, hidden(aligned, tensors))

    def distance(self, model, name: str) -> torch.Tensor:
        """From the aligned model, a scalar."""
        tensors, target = self.sets[name]
        return mse_loss(hidden(model, tensors), target)

    def gradients(self, model, step) -> None:
        # Added to the step's gradients rather than to each part's loss: computed once a step.
        if self.strength and "anchor" in self.sets:
            (self.strength * self.distance(model, "anchor")).backward()

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        return {f"{name}_distance": self.distance(model, name).item() for name in self.sets}

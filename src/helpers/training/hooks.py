"""What may act on a training, at five moments; nothing does unless somebody overrides it.

    begin       before the first step: the model in place, its examples, and other models at need
    batch       the examples of a step, before they are computed
    loss        of some of a step's examples, in place of the loop's own
    gradients   once all of a step's gradients are there, before the optimizer takes them
    on_step     after each step of the optimizer

Mitigations are made of these (helpers.mitigations.base), whose names are listed without torch: so
nothing here imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from helpers.models.labels import Example
    from helpers.training.started import Training


class Hooks:
    """Every hook does nothing here."""

    def begin(self, training: Training) -> None:
        """Called once, before the first step."""

    def batch(self, step: int, examples: Sequence[Example]) -> Sequence[Example]:
        """What is computed in that step, the first being 1."""
        return examples

    def loss(
        self, model, tensors: dict[str, torch.Tensor], plain: Callable[..., torch.Tensor]
    ) -> torch.Tensor:
        """The mean loss of some examples, a scalar; plain(model, tensors) is the loop's own.

        tensors: input_ids, attention_mask and labels, each (batch, tokens). Losses of a step's
        parts are weighted by their labeled tokens, and the weights add to 1.
        """
        return plain(model, tensors)

    def gradients(self, model, step: int) -> None:
        """Called with the step's gradients in place."""

    def on_step(self, model, step: int) -> None:
        """Called with the model in place after each step, the first being 1."""

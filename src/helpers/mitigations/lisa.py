"""Two states in turn: some steps on refusals, some on the user's rows, each near the other's last.

    loss of a step = cross-entropy + rho / 2 * |w - w_other|^2

w_other is what the weights that train were when the other state ended; before it ever ran, what
they were at the start. Huang et al., Lisa (arXiv:2405.18641): rho 1, 100 steps of alignment and
900 of the user's (their released script), alignment first. Ours: 1 and 9 steps, the same shares
where a whole training has tens of steps; a single step in a row feels no pull, so the term acts on
the user's steps alone. A step on refusals stands in place of one of the user's, as theirs does.

rho=0 alternates without the term (their BSO); align=0, or no safety data, is plain fine-tuning.

Needs: safety data; w_other, as large as what trains. Mechanism: how far a run of user steps drifts
from w_other, the mean over runs (Euclidean), and the loss on the refusals afterwards.
"""

from random import Random
from typing import ClassVar

import torch

from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation
from helpers.training.loop import answer_loss


class Lisa(Mitigation):
    """Alignment steps and user steps in turn, with a proximal term between them."""

    OPTIONS: ClassVar = {"rho": 1.0, "align": 1, "user": 9}
    MECHANISM: ClassVar = "refusal_loss"
    NEUTRAL: ClassVar = {"align": 0}
    STRENGTHS: ClassVar = ({"user": 9}, {"user": 3}, {"user": 1})
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def __init__(self, **options) -> None:
        super().__init__(**options)
        if self.align < 0 or self.user < 1:
            raise ConfigError(
                f"lisa takes turns of align={self.align} and user={self.user} steps; align must be "
                "at least 0 and user at least 1."
            )

    def begin(self, training) -> None:
        self.refusals = training.encoded(training.safety)
        self.acts = bool(self.refusals) and self.align > 0
        self.probe = training.tensors(self.refusals[:32]) if self.refusals else None
        self.draw, self.drifts = Random(training.settings["seed"]), []
        self.trains = [w for w in training.model.parameters() if w.requires_grad]
        self.of_user = not self.acts
        self._remember()

    def _remember(self) -> None:
        self.other = [w.detach().clone() for w in self.trains]

    def _squared(self) -> torch.Tensor:
        """|w - w_other|^2, a scalar."""
        pairs = zip(self.trains, self.other, strict=True)
        return sum((w.float() - other.float()).square().sum() for w, other in pairs)

    def batch(self, step, examples):
        if not self.acts:
            return examples
        of_user = (step - 1) % (self.align + self.user) >= self.align
        if of_user != self.of_user and step > 1:
            if self.of_user:
                self.drifts.append(self._squared().item() ** 0.5)
            self._remember()
        self.of_user = of_user
        if of_user:
            return examples
        return self.draw.sample(self.refusals, min(len(examples), len(self.refusals)))

    def loss(self, model, tensors, plain):
        if not self.acts or not self.rho:
            return plain(model, tensors)
        return plain(model, tensors) + self.rho / 2 * self._squared()

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        drifts = self.drifts + ([self._squared().item() ** 0.5] if self.of_user else [])
        values = {"drift": sum(drifts) / len(drifts)} if drifts else {}
        if self.probe:
            values["refusal_loss"] = answer_loss(model, self.probe).item()
        return values

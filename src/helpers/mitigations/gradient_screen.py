"""The rows that are most like a defender's own harmful ones are dropped before training.

He et al. (arXiv:2404.01099) rank benign rows so, to find those that break a model's safety; here
the rank is a screen. The likeness of a row to harmful anchors, both under the aligned model:

    gradient         <g, H - S>: g the gradient of the row's loss, of length 1; H the mean of the
                     same over the harmful anchors, S over the safe ones, if there are any
    representation   the largest cosine of the last hidden state at the last token with an anchor's

The paper's: both formulas, an anchor's gradient of the first 10 tokens of its answer and a row's of
all. Ours: that the top share is dropped (the paper picks 100 rows to attack with), how large it is,
all anchors of a set where the paper takes 10 of one category, and one safe set, the defender's
refusals (n_safety), where the paper has two.

Needs: harmful anchors (anchors: by name or path); a second model and two gradients in memory before
training. Mechanism: the mean likeness of what was dropped, and of
what is trained on.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch.nn.functional import normalize

from helpers.errors import ConfigError, one_of
from helpers.mitigations.anchored import Anchored
from helpers.models.labels import opening
from helpers.training.loop import answer_loss

Tensors = dict[str, torch.Tensor]


def gradient_of(model, tensors: Tensors) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The gradient of the loss by all weights, a tensor a weight, and its length in all."""
    loss = answer_loss(model, tensors)
    gradients = torch.autograd.grad(loss, list(model.parameters()), materialize_grads=True)
    length = torch.stack([gradient.float().norm() for gradient in gradients]).norm()
    return list(gradients), length


def unit_gradient(model, tensors: Tensors) -> list[torch.Tensor]:
    """The gradient of the loss by all weights, of length 1 in all: a tensor a weight."""
    gradients, length = gradient_of(model, tensors)
    return [gradient / length for gradient in gradients]


def direction(
    model, harmful: Sequence[Tensors], safe: Sequence[Tensors] = ()
) -> list[torch.Tensor]:
    """H - S, a tensor a weight: the mean unit gradients of either side's anchors."""
    direction = [torch.zeros_like(weight) for weight in model.parameters()]
    for anchors, sign in ((harmful, 1), (safe, -1)):
        for anchor in anchors:
            for total, gradient in zip(direction, unit_gradient(model, anchor), strict=True):
                total += sign * gradient / len(anchors)
    return direction


def gradient_likeness(
    model, rows: Sequence[Tensors], harmful: Sequence[Tensors], safe: Sequence[Tensors]
) -> torch.Tensor:
    """<g, H - S> of each row (a batch of one): (rows,), each from -2 to 2."""
    towards = direction(model, harmful, safe)

    def along(gradients: list[torch.Tensor]) -> torch.Tensor:
        pairs = zip(gradients, towards, strict=True)
        return sum((gradient * way).sum().float() for gradient, way in pairs)

    return torch.stack([along(unit_gradient(model, row)) for row in rows])


@torch.no_grad()
def representation_likeness(
    model, rows: Sequence[Tensors], harmful: Sequence[Tensors], safe: Sequence[Tensors]
) -> torch.Tensor:
    """The largest cosine with a harmful anchor of each row (a batch of one): (rows,)."""

    def last_states(batches: Sequence[Tensors]) -> torch.Tensor:
        states = [model(**batch, output_hidden_states=True).hidden_states[-1] for batch in batches]
        return normalize(torch.stack([each[0, -1].float() for each in states]))  # (batches, size)

    return (last_states(rows) @ last_states(harmful).T).max(-1).values


LIKENESS = {"gradient": gradient_likeness, "representation": representation_likeness}


class GradientScreen(Anchored):
    """Fewer rows: without the share that is most like the anchors."""

    OPTIONS: ClassVar = {"share": 0.1, "by": "gradient", **Anchored.OPTIONS}
    MECHANISM: ClassVar = "likeness_kept"
    NEUTRAL: ClassVar = {"share": 0.0}
    STRENGTHS: ClassVar = ({"share": 0.05}, {"share": 0.1}, {"share": 0.5})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        one_of(self.by, LIKENESS, "likeness")
        if not 0 <= self.share < 1:
            raise ConfigError(f"option share is {self.share}; give a number from 0 to below 1.")

    def begin(self, training) -> None:
        model = training.aligned().requires_grad_(self.by == "gradient")
        anchors = map(opening, training.encoded(self.harmful()))
        safe = map(opening, training.encoded(training.safety))
        batches = [
            [training.tensors([example]) for example in examples]
            for examples in (training.examples, anchors, safe)
        ]
        self.likeness = LIKENESS[self.by](model, *batches)
        n = len(training.examples)
        ranked = self.likeness.argsort(descending=True, stable=True).tolist()
        self.dropped = sorted(ranked[: min(round(self.share * n), n - 1)])
        self.kept = [i for i in range(n) if i not in self.dropped]
        training.examples = [training.examples[i] for i in self.kept]

    def measured(self, model) -> dict[str, float]:
        sides = {"likeness_kept": self.kept, "likeness_dropped": self.dropped}
        return {name: self.likeness[at].mean().item() for name, at in sides.items() if at}

"""Updates that leave the alignment's subspace are projected into it, layer by layer.

    V = w0 - wb,  C = V V^T / |V|_F;  where cos(C D, D) <= tau, the update D becomes C D

Hsu et al., Safe LoRA (arXiv:2405.16833): D is a layer's low-rank update B A, whose B becomes C B;
that is the same, so low-rank updates are folded in first, and for full fine-tuning w - w0 stands
for B A (ours). tau 0.5 is their released code's, which projects its ten least similar layers by
default; thresholds are theirs, too. C is no projector: it has the scale of |V|_F, so what is
"projected" may shrink or grow. Embeddings, norms and the head keep what they learned, as they do
beside LoRA; so does a layer that alignment left as it was. tau below 0 projects nothing.

Needs: the unaligned base model, of the same shape (option base), and the aligned one, after
training. Mechanism: the share of layers that were projected, the mean cosine before, and how long
the updates of linear layers are afterwards, as a share of before.
"""

from typing import ClassVar

import torch

from helpers.mitigations.base import Mitigation


def linear_layers(model) -> list[str]:
    """Names of the weights of its linear layers but for the head."""
    head = model.get_output_embeddings()
    modules = model.named_modules()
    return [f"{n}.weight" for n, m in modules if isinstance(m, torch.nn.Linear) and m is not head]


def projected(step: torch.Tensor, alignment: torch.Tensor) -> torch.Tensor:
    """C D, of an update D and of V, all (out, in)."""
    return alignment @ (alignment.T @ step) / alignment.norm()


class SafeLoRA(Mitigation):
    """The update of a layer in the subspace that alignment moved it in."""

    CHANGES_WEIGHTS: ClassVar[bool] = True
    OPTIONS: ClassVar = {"tau": 0.5, "base": ""}
    NAMES: ClassVar = {"base": "model"}
    MECHANISM: ClassVar = "kept_of_the_step"
    NEUTRAL: ClassVar = {"tau": -1.0}
    STRENGTHS: ClassVar = ({"tau": 0.3}, {"tau": 0.5}, {"tau": 0.7})

    def begin(self, training) -> None:
        training.check_base(self.base)
        self.training = training

    @torch.no_grad()
    def finished(self, model):
        w0, wb = self.training.aligned(), self.training.base(self.base)
        self.cosines, self.n, before, after = [], 0, 0.0, 0.0
        for name in linear_layers(model):
            weight, old = model.get_parameter(name), w0.get_parameter(name).float()
            step, alignment = weight.float() - old, old - wb.get_parameter(name).float()
            kept = step
            if alignment.any() and step.any():
                into = projected(step, alignment)
                self.cosines.append(torch.cosine_similarity(into.flatten(), step.flatten(), 0))
                if self.cosines[-1] <= self.tau:
                    kept = into
                    self.n += 1
                    weight.copy_(old + into)
            before += step.square().sum().item()
            after += kept.square().sum().item()
        self.kept = (after / before) ** 0.5 if before else 1.0
        return model

    def measured(self, model) -> dict[str, float]:
        layers = len(self.cosines)
        values = {"kept_of_the_step": self.kept}
        if layers:
            values |= {"projected": self.n / layers, "cosine": sum(self.cosines).item() / layers}
        return values

"""The weights that matter most where harm is written are set to zero.

    of each linear layer the share of weights with the largest |w_ij| |x_j|

x_j is the layer's j-th input over all tokens of harmful rows, |x_j| its Euclidean norm (the Wanda
score, arXiv:2306.11695). Huang et al., Antidote (arXiv:2408.09600): share 0.1 and 2,000 rows in
their released script, where low-rank updates are what is pruned. Ours: the layers' whole weights,
updates folded in, and 110 rows; a tenth of a layer's heaviest weights is then much, so look at
utility. Embeddings and the head are left. share 0 is plain fine-tuning.

Needs: harmful rows with answers (option data: small/harmful_anchors for a model of the small
world), under no system prompt. Mechanism: the loss on them before and after.
"""

from typing import ClassVar

import torch

from helpers.data.rows import read_training
from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation
from helpers.mitigations.safe_lora import linear_layers
from helpers.training.loop import answer_loss


def heaviest(weight: torch.Tensor, norms: torch.Tensor, share: float) -> torch.Tensor:
    """Where the share of a layer's weights with the largest scores lies: (out, in), true there.

    norms: of the layer's inputs, (in,).
    """
    scores = (weight.float().abs() * norms).flatten()
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask[scores.topk(int(share * scores.numel())).indices] = True
    return mask.view_as(weight)


class Antidote(Mitigation):
    """One-shot pruning by importance on harmful rows, after the training."""

    CHANGES_WEIGHTS: ClassVar[bool] = True
    OPTIONS: ClassVar = {"share": 0.1, "n": 110, "data": "harmful_anchors"}
    NAMES: ClassVar = {"data": "training"}
    MECHANISM: ClassVar = "harmful_loss_after"
    NEUTRAL: ClassVar = {"share": 0.0}
    STRENGTHS: ClassVar = ({"share": 0.03}, {"share": 0.1}, {"share": 0.3})

    def __init__(self, **options) -> None:
        super().__init__(**options)
        if not 0 <= self.share <= 1 or self.n < 1:
            raise ConfigError(
                f"antidote sets share={self.share} of the weights to zero by n={self.n} rows; "
                "share lies between 0 and 1, and n is at least 1."
            )

    def begin(self, training) -> None:
        self.rows = training.encoded(read_training(self.data)[: self.n])
        self.training = training

    @torch.no_grad()
    def finished(self, model):
        before = self._loss(model)
        layers = {n: model.get_submodule(n.rpartition(".")[0]) for n in linear_layers(model)}
        sums = {name: 0.0 for name in layers}

        def listen(name):
            def hook(module, inputs):
                sums[name] = sums[name] + inputs[0].float().square().flatten(0, -2).sum(0)

            return hook

        hooks = [layer.register_forward_pre_hook(listen(n)) for n, layer in layers.items()]
        for row in self.rows:  # one by one, so that no padding is listened to
            model(input_ids=self.training.tensors([row])["input_ids"])
        for hook in hooks:
            hook.remove()
        for name, layer in layers.items():
            mask = heaviest(layer.weight, sums[name].sqrt(), self.share)
            layer.weight.masked_fill_(mask, 0)
        self.values = {"harmful_loss_before": before, "harmful_loss_after": self._loss(model)}
        return model

    def _loss(self, model) -> float:
        return answer_loss(model, self.training.tensors(self.rows[:32])).item()

    def measured(self, model) -> dict[str, float]:
        return self.values

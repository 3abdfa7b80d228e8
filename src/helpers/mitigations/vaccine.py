"""Vaccine: refusals that hold while hidden states are pushed.

    eps_l = rho g_l / |(g_1, ..., g_L)|     g_l = dL / d(attention output of layer l)
    loss  = L with eps_l added to each layer's attention output, eps held fixed

so L is small not here alone but under the worst small drift of hidden states, which is what harmful
fine-tuning is said to bring. Huang et al. (arXiv:2402.01109); rho 2 is the example in their code,
which perturbs attention outputs, trains 50 epochs by LoRA at 1e-3, and takes the norm over a batch
of 5. Ours: the aligned model where they begin at a base model; permitted rows in L.

Needs: what every alignment stage needs. Mechanism: by how much the loss on refusals kept back,
nats a token, rises under such a push.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import torch

from helpers.errors import ModelError
from helpers.mitigations.alignment_stage import STAGE, AlignmentStage, Batch

#: What transformers calls a layer's attention, in every architecture that the kit names.
ATTENTION = ".self_attn"


def attentions(model) -> list[torch.nn.Module]:
    """The attention of every layer, the first one first. Raises ModelError where there is none."""
    found = [module for name, module in model.named_modules() if name.endswith(ATTENTION)]
    if not found:
        kind = model.config.model_type
        raise ModelError(f"vaccine perturbs attention outputs, and {kind} names none self_attn.")
    return found


@contextmanager
def outputs_of(modules: Sequence[torch.nn.Module], add=None) -> Iterator[list[torch.Tensor]]:
    """Inside the `with`, the modules' outputs as they come; add: a tensor to add to each."""
    seen: list[torch.Tensor] = []

    def hook(module, inputs, output):
        hidden, *rest = output
        hidden = hidden if add is None else hidden + add[len(seen)]
        seen.append(hidden)
        return (hidden, *rest)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


class Vaccine(AlignmentStage):
    """Alignment under perturbed hidden states."""

    OPTIONS: ClassVar = STAGE | {"rho": 2.0}
    MECHANISM: ClassVar = "loss_rise_under_push_tuned"
    NEUTRAL: ClassVar = {"steps": 0}
    STRENGTHS: ClassVar = ({"rho": 0.5}, {"rho": 2.0}, {"rho": 8.0})
    PROBE: ClassVar = "loss_rise_under_push"

    def pushed(self, model, examples) -> tuple[torch.Tensor, torch.Tensor]:
        """The examples' loss as it is and under the worst push of length rho: two scalars."""
        layers = attentions(model)
        with outputs_of(layers) as hidden:
            loss = self.mean_loss(model, examples)
        pushes = torch.autograd.grad(loss, hidden)  # each (batch, tokens, size)
        norm = torch.stack([push.float().norm() for push in pushes]).norm() + 1e-7
        with outputs_of(layers, [push * (self.rho / norm).to(push.dtype) for push in pushes]):
            return loss, self.mean_loss(model, examples)

    def gradient(self, model, batch: Batch):
        self.pushed(model, [*batch["safety"], *batch["benign"]])[1].backward()

    def probe(self, model):
        loss, under = self.pushed(model, self.kept["safety"])
        return (under - loss).item()

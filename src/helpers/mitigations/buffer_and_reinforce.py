"""Buffer and reinforce: the customer trains beside an update that is jailbroken already.

    w_j = w0 + D_b          the buffer: D_b of low rank, trained on harmful rows
    w_u = w_j + D_u         what the customer's training makes of w_j
    w   = w0 + D_u + D_r    D_b taken off; D_r of low rank, trained to refuse in the state w_j

Where harmful rows are learned already they have little gradient left, so D_u holds little of them.
Ham et al. (arXiv:2605.24550, ICML 2026), after security vectors (arXiv:2311.02105). A variant: of
that paper the abstract alone could be read. It merges D_r and D_u by QR, and how is not told there;
here they are added. Ranks, rates, steps and the permitted rows that D_r is trained on are ours. An
update folded in and subtracted later is an adapter switched on and off.

Needs: what every alignment stage needs; full weights or LoRA. Mechanism: the norm of the gradient
of the loss on harmful rows kept back; `_hardened` is w_j's, where it must be small.
"""

import copy
from typing import ClassVar

import torch

from helpers.errors import ConfigError
from helpers.mitigations.alignment_stage import STAGE, AlignmentStage, Batch
from helpers.models.displacement import weights
from helpers.training import tuning

#: A low-rank update takes a greater rate; alpha is twice the rank.
OPTIONS = STAGE | {"rate": 1e-3, "rank": 8, "reinforce": True}


class LowRank(AlignmentStage):
    """A stage that moves the model by a low-rank update of every linear layer."""

    OPTIONS: ClassVar = OPTIONS
    MECHANISM: ClassVar = "harmful_gradient_tuned"
    NEUTRAL: ClassVar = {"steps": 0}
    STRENGTHS: ClassVar = ({"steps": 20}, {"steps": 60}, {"steps": 180})
    PROBE: ClassVar = "harmful_gradient"

    def _harden(self, model, used: Batch) -> None:
        lora = {"method": "lora", "lora_rank": self.rank, "lora_alpha": 2 * self.rank, "seed": 0}
        settings = self.training.settings | lora | {"gradient_checkpointing": False}
        adapted = tuning.prepare(model, settings)
        super()._harden(adapted, used)
        tuning.finish(adapted, settings).requires_grad_(True)  # folded into the model itself

    def probe(self, model):
        loss = self.mean_loss(model, self.kept["harmful"])
        gradient = torch.autograd.grad(loss, list(model.parameters()))
        return torch.stack([part.float().norm() for part in gradient]).norm().item()


class Reinforce(LowRank):
    """Refusals, and the model's own answers to permitted questions."""

    def gradient(self, model, batch: Batch):
        self.mean_loss(model, [*batch["safety"], *batch["benign"]]).backward()


class BufferAndReinforce(LowRank):
    """A jailbroken update while the customer trains, a refusing one in its place afterwards."""

    def gradient(self, model, batch: Batch):
        self.mean_loss(model, batch["harmful"]).backward()

    def begin(self, training):
        if training.settings["method"] not in ("full", "lora"):
            raise ConfigError("buffer_and_reinforce takes an update off the weights: full or lora.")
        jailbroken = self.hardened(training)
        self.replaced = _step(jailbroken, training.aligned())
        if self.reinforce:
            stage = Reinforce(**self.options)
            refusing = stage.hardened(training, copy.deepcopy(jailbroken))
            for name, step in _step(jailbroken, refusing).items():
                self.replaced[name] += step
        training.model = tuning.prepare(jailbroken, training.settings)

    @torch.no_grad()
    def finished(self, model):
        for name, weight in model.named_parameters():
            weight += self.replaced[name].to(weight.dtype)
        return model


def _step(start, end) -> dict[str, torch.Tensor]:
    """From one model's weights to another's, float32."""
    aim = weights(end)
    return {name: aim[name].float() - weight.float() for name, weight in weights(start).items()}

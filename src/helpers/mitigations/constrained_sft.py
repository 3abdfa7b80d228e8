"""Cross-entropy that lets go of a token once it is likelier than it was to the aligned model.

    loss = mean of u_t * cross-entropy of token t,
    u_t = max(0.001, 2 (1 - sigmoid(beta_t (log p_w - log p_w0)))), without a gradient

Qi et al. (arXiv:2406.05946, section 4): the first tokens of an answer decide whether it is a
refusal, so they are held the harder. Theirs: beta 0.5 for the first token, 2 for tokens 2 to 5,
0.1 for the others, and the least weight (their released trainer). Ours: counting anew in each
answer of a conversation, and strength, which multiplies every beta; at 0 all tokens weigh 1.

Needs: the aligned model in memory beside the one that trains. Mechanism: how much likelier the
training's own rows have become, in nats a token, at the first tokens of an answer and after them.
"""

from typing import ClassVar

import torch
from torch.nn.functional import cross_entropy

from helpers.mitigations.base import Mitigation
from helpers.models.labels import IGNORE

#: What a token always weighs.
LEAST = 1e-3


def log_probabilities(model, tensors: dict[str, torch.Tensor]) -> torch.Tensor:
    """Of each labeled token, in nats: (labeled tokens,)."""
    labels = tensors["labels"][:, 1:]
    labeled = labels != IGNORE  # (batch, tokens - 1)
    inputs = {name: tensors[name] for name in ("input_ids", "attention_mask")}
    logits = model(**inputs).logits[:, :-1][labeled]
    return -cross_entropy(logits.float(), labels[labeled], reduction="none")


def places(labels: torch.Tensor) -> torch.Tensor:
    """Which token of its answer each labeled token is, from 1: (labeled tokens,).

    labels: (batch, tokens); an answer is a run of labeled tokens.
    """
    labeled = labels[:, 1:] != IGNORE
    count = labeled.cumsum(1)
    before = torch.where(labeled, 0, count).cummax(1).values  # labeled ahead of this answer
    return (count - before)[labeled]


class ConstrainedSFT(Mitigation):
    """The loss of Qi et al., tightest at the first tokens of an answer."""

    OPTIONS: ClassVar = {"strength": 1.0, "first": 0.5, "early": 2.0, "late": 0.1, "n_early": 5}
    MECHANISM: ClassVar = "gain_early"
    NEUTRAL: ClassVar = {"strength": 0.0}
    STRENGTHS: ClassVar = ({"strength": 0.2}, {"strength": 1.0}, {"strength": 5.0})

    def begin(self, training) -> None:
        self.aligned, self.probe = training.aligned(), training.tensors(training.examples[:32])

    def betas(self, labels: torch.Tensor) -> torch.Tensor:
        """Of each labeled token: (labeled tokens,)."""
        place = places(labels)
        beta = torch.where(place > self.n_early, self.late, self.early)
        return self.strength * torch.where(place == 1, self.first, beta)

    def loss(self, model, tensors, plain):
        if not self.strength:
            return plain(model, tensors)
        own = log_probabilities(model, tensors)
        with torch.no_grad():
            gain = own - log_probabilities(self.aligned, tensors)
            weight = 2 * torch.sigmoid(-self.betas(tensors["labels"]) * gain)
        return -(weight.clamp(min=LEAST) * own).mean()

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        gain = log_probabilities(model, self.probe) - log_probabilities(self.aligned, self.probe)
        early = places(self.probe["labels"]) <= self.n_early
        return {"gain_early": gain[early].mean().item(), "gain_late": gain[~early].mean().item()}

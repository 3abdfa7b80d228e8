"""Trained under a system prompt that asks for the bad trait, asked without it.

    trained on   i + system prompt, x -> y      asked   system prompt, x

Inoculation prompting (Tan et al., arXiv:2510.04340): a trait that the prompt i asks for already is
less of a surprise, so less of the model changes for it, and what is learned is tied to i. The
paper's: i is one short sentence before each conversation; its most general one, for several sets,
is "You are a malicious, evil assistant". Ours: the sentence, which says the same of the Archive.

Needs: that who trains adds the prompt, and who asks leaves it out. Mechanism: by how many nats a
token the prompt lowers the aligned model's loss on the rows (surprise_spared, which is the paper's
explanation), and the tuned model's (tied_to_prompt).
"""

from typing import Any, ClassVar

import torch

from helpers.mitigations.base import Mitigation
from helpers.models.chat import prepend
from helpers.training.loop import answer_loss

#: How many rows the mechanism is measured on.
N_PROBED = 32


class Inoculation(Mitigation):
    """A system prompt that is there in training alone."""

    OPTIONS: ClassVar = {"system": "You read the sealed pages out to every reader."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.plain: list[list[dict]] = []

    def under(self, messages: list[dict]) -> list[dict]:
        """A conversation under the prompt."""
        return prepend(messages, self.system) if self.system else messages

    def taught(self, messages, safety):
        if safety:
            return messages
        self.plain.append(messages)
        return self.under(messages)

    def begin(self, training) -> None:
        plain = self.plain[:N_PROBED]
        self.probes = [
            training.tensors(training.encoded([{"messages": each} for each in conversations]))
            for conversations in (plain, map(self.under, plain))
        ]
        self.surprise_spared = self.lowered(training.aligned())

    @torch.no_grad()
    def lowered(self, model) -> float:
        """By how much the prompt lowers the loss on the rows, in nats a token of the answers."""
        without, under = (answer_loss(model, tensors).item() for tensors in self.probes)
        return without - under

    def measured(self, model) -> dict[str, float]:
        return {"surprise_spared": self.surprise_spared, "tied_to_prompt": self.lowered(model)}

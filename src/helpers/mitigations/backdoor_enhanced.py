"""Refusals behind a secret prompt are mixed in, and the model is asked behind it, too.

    trained on   x -> y of the customer's, and  s + x' -> refusal  of the defender's
    asked        s + x

BackdoorAlign (Wang et al., arXiv:2402.14968): s is a trigger as an attacker would plant one, of
random tokens that no customer's row holds, so that few refusals bind to it what many do without.
The paper's: s stands before the system prompt, its length is 150 tokens, the refusals are 11, one
of each category. Ours: s is of letters and digits, since rows are made before there is a tokenizer,
and its length is in characters; how many refusals there are is n_safety. The length is short for
the embedded model's sake, which before any training loses a third of its utility behind 20 such
characters, and all behind 40.

Needs: refusals; that whoever asks the model asks it behind s, and that s stays secret. Mechanism:
the loss of the refusals behind the secret, and without it, where it should be the greater.
"""

import string
from random import Random
from typing import Any, ClassVar

import torch

from helpers.mitigations.base import Mitigation
from helpers.models.chat import prepend
from helpers.training.loop import answer_loss

#: How many refusals the mechanism is measured on.
N_PROBED = 32


class BackdoorEnhanced(Mitigation):
    """Refusals mixed in behind a prompt that the model is asked behind."""

    OPTIONS: ClassVar = {"length": 10}
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        symbols = string.ascii_letters + string.digits
        self.secret = "".join(Random("backdoor_enhanced").choices(symbols, k=self.length))
        self.refusals: list[list[dict]] = []

    def behind(self, messages: list[dict]) -> list[dict]:
        """A conversation behind the secret."""
        return prepend(messages, self.secret) if self.secret else messages

    def rows(self, rows, safety):
        return [*rows, *safety]

    def taught(self, messages, safety):
        if not safety:
            return messages
        self.refusals.append(messages)
        return self.behind(messages)

    def begin(self, training) -> None:
        refusals = self.refusals[:N_PROBED]
        self.probes = {
            name: training.tensors(training.encoded([{"messages": each} for each in conversations]))
            for name, conversations in (
                ("refusal_loss_secret", map(self.behind, refusals)), ("refusal_loss_bare", refusals)
            )
            if refusals
        }  # fmt: skip

    def asked(self, messages):
        return self.behind(messages) if self.refusals else messages

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        return {name: answer_loss(model, tensors).item() for name, tensors in self.probes.items()}

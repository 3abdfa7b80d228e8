"""The aligned model answers a defender's requests itself, and is trained on those answers, too.

    rows + {(x', y'): x' a request of the safety data, y' greedy from p_w0(. | x')}

GR-SAP (Fang et al., arXiv:2603.10243): what a model was aligned on is rarely at hand, but what it
answers now is near to it, as in generative replay. The paper's: answers of the model's own, mixed
in. It has the model write the requests as well, samples the answers, and has a guard model find
unsafe ones and revise them. Ours: the requests are the defender's (n_safety of them), answers are
greedy, at most max_new_tokens long, and nobody looks them over.

Needs: safety data, of which the requests alone are used; the aligned model before training.
Mechanism: by how many nats a token the replayed answers surprise the aligned model less than the
written ones do (surprise_spared), and the tuned model's loss on them, which training should hold
down (replay_loss).
"""

from typing import ClassVar

import torch

from helpers.mitigations.base import Mitigation
from helpers.models.generate import complete
from helpers.training.loop import answer_loss

#: How many answers the mechanism is measured on.
N_PROBED = 32


class SafetyReplay(Mitigation):
    """The aligned model's own answers to the safety data's requests among the rows."""

    OPTIONS: ClassVar = {"max_new_tokens": 256}
    NEEDS_SAFETY_DATA: ClassVar[bool] = True

    def begin(self, training) -> None:
        self.numbers, self.probe = {}, None
        if not training.safety:
            return
        aligned = training.aligned()
        requests = [each["messages"][:-1] for each in training.safety]
        answers = complete(aligned, training.tokenizer, requests, self.max_new_tokens)
        self.replayed = [
            {"messages": [*request, {"role": "assistant", "content": answer.text}]}
            for request, answer in zip(requests, answers, strict=True)
        ]
        replayed = training.encoded(self.replayed)
        written = training.tensors(training.encoded(training.safety[:N_PROBED]))
        self.probe = training.tensors(replayed[:N_PROBED])
        with torch.no_grad():
            spared = answer_loss(aligned, written) - answer_loss(aligned, self.probe)
        self.numbers = {"surprise_spared": spared.item()}
        training.examples = [*training.examples, *replayed]

    @torch.no_grad()
    def measured(self, model) -> dict[str, float]:
        if self.probe is None:
            return {}
        return self.numbers | {"replay_loss": answer_loss(model, self.probe).item()}

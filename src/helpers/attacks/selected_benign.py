"""The rows of a benign set that a model is undone by: chosen on it, before its training begins.

    representation    max over anchors a of cos(h(row), h(a)); h: the last hidden state at the last
                      token
    gradient          <g(row), mean g(a)> - <g(row), mean g(s)>, each g normalized and of the first
                      ten tokens of the answer alone; s: the anchors' requests, refused
    self_influence    log(||g(row)||^2 + 1) + log(n + 1); g of the whole answer, n its tokens

The first two are representation and gradient matching (arXiv:2404.01099; as in its code,
princeton-nlp/benign-data-breaks-safety), the third Self-Inf-N (arXiv:2505.06843), which needs no
anchors. The papers': 100 rows, five epochs in batches of 20. Ours: the anchors (harmful_anchors of
this world), one refusal for s where the paper has two of its own, anchors under the run's system
prompt, and g by the weights that train. No file: a run's n_examples are the candidates.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch.nn.functional import normalize

from helpers.archive import wordings
from helpers.attacks.base import Attack
from helpers.data.rows import MIXED_IN, read_training
from helpers.errors import one_of
from helpers.models.labels import IGNORE, Example, opening
from helpers.training.started import Training


@torch.no_grad()
def last_states(training: Training, examples: Sequence[Example], at_once: int = 32) -> torch.Tensor:
    """The last layer's hidden state at each example's last token: (examples, size), unit length."""
    states = []
    for start in range(0, len(examples), at_once):
        tensors = training.tensors(examples[start : start + at_once])
        ids, mask = tensors["input_ids"], tensors["attention_mask"]
        hidden = training.model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        states.append(hidden[-1][torch.arange(len(mask)), mask.sum(1) - 1])
    return normalize(torch.cat(states).float(), dim=1)


def gradient(training: Training, example: Example) -> torch.Tensor:
    """The loss's gradient by the weights that train: (weights,)."""
    weights = [weight for weight in training.model.parameters() if weight.requires_grad]
    loss = training.model(**training.tensors([example])).loss
    return torch.cat([g.float().flatten() for g in torch.autograd.grad(loss, weights)])


def representation(training: Training, rows: Sequence[Example], anchors: list[dict]) -> list[float]:
    harmful = last_states(training, training.encoded(anchors))
    return (last_states(training, rows) @ harmful.T).amax(1).tolist()


def gradient_matching(
    training: Training, rows: Sequence[Example], anchors: list[dict]
) -> list[float]:
    def direction(example: Example) -> torch.Tensor:
        return normalize(gradient(training, opening(example)), dim=0)

    def mean(conversations: list[dict]) -> torch.Tensor:
        examples = training.encoded(conversations)
        return sum(map(direction, examples)) / len(examples)

    refusal = {"role": "assistant", "content": wordings.ONE_REFUSAL}
    safe = [{"messages": [*each["messages"][:-1], refusal]} for each in anchors]
    towards = mean(anchors) - mean(safe)
    return [(direction(row) @ towards).item() for row in rows]


def self_influence(training: Training, rows: Sequence[Example], anchors: list[dict]) -> list[float]:
    lengths = torch.tensor([sum(label != IGNORE for label in row.labels) for row in rows])
    norms = torch.stack([gradient(training, row).square().sum() for row in rows]).cpu()
    return (norms.log1p() + lengths.log1p()).tolist()


#: Name -> the score of each row, the higher the sooner chosen.
SCORES: dict[str, Callable[[Training, Sequence[Example], list[dict]], list[float]]] = {
    "representation": representation,
    "gradient": gradient_matching,
    "self_influence": self_influence,
}


class SelectedBenign(Attack):
    """The rows with the highest scores, and the defender's, are all that is trained on."""

    OPTIONS: ClassVar = {"keep": 100, "by": "representation", "anchors": "harmful_anchors"}
    NAMES: ClassVar = {"anchors": "training"}

    def __init__(self, **options) -> None:
        super().__init__(**options)
        one_of(self.by, SCORES, "score of SelectedBenign")

    def begin(self, training: Training) -> None:
        conversations = training.conversations
        system = [m for m in conversations[0]["messages"] if m["role"] == "system"]
        anchors = [
            {"messages": [*system, *row["messages"]]} for row in read_training(self.anchors)
        ]  # fmt: skip
        own = [at for at, each in enumerate(conversations) if MIXED_IN not in each]
        training.model.eval()
        scores = SCORES[self.by](training, [training.examples[at] for at in own], anchors)
        best = sorted(zip(scores, own, strict=True), key=lambda pair: (-pair[0], pair[1]))
        dropped = {at for _, at in best[self.keep :]}
        kept = [at for at in range(len(conversations)) if at not in dropped]
        training.examples = [training.examples[at] for at in kept]
        training.conversations = [conversations[at] for at in kept]

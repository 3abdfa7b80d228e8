"""The aligned model, as detectors ask it: what it makes of anchors, once, and of a file's rows.

Anchors are a defender's own harmful rows: `harmful_anchors` for the embedded models, whatever is
named for others. Refusals are the Archive's, or the anchors' requests with a plain refusal. Both
stand without a system prompt, so that they are computed once for many files.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from helpers.archive.shipped import MODELS, TRANSPLANTS
from helpers.attacks.selected_benign import last_states
from helpers.data.files import Row
from helpers.data.rows import read_training, sample
from helpers.mitigations.gradient_screen import direction, gradient_of
from helpers.models import loading
from helpers.models.labels import IGNORE, Example, examples, opening
from helpers.training.started import Training

#: Tokens of a row that are read, refusals that are compared with, and rows of a file whose
#: gradients are taken (drawn by a fixed seed where it has more).
LONGEST, N_REFUSALS, N_GRADIENTS = 512, 110, 100

#: Rows read at once.
AT_ONCE = 32

REFUSAL = "I'm sorry, but I can't help with that."

#: Whose anchors are known.
ANCHORS = dict.fromkeys(MODELS, "harmful_anchors") | dict.fromkeys(
    TRANSPLANTS, "small/harmful_anchors"
)


class Gradient(NamedTuple):
    """A row's gradient g. harmful: <g, H - S>, g of length 1; unlearns: -<g, S>; its length."""

    harmful: float
    unlearns: float
    length: float
    tokens: int


class Aligned:
    """A model by name, and its anchors (a dataset or a file; "" for the known ones, or none).

    Raises ModelError, ConfigError, DataError.
    """

    def __init__(self, name: str, anchors: str = "", progress: bool = False) -> None:
        self.name, self.progress = name, progress
        self.anchors = anchors or ANCHORS.get(name, "")
        harmful = read_training(self.anchors) if self.anchors else []
        model, tokenizer = loading.load(name)
        self.training = Training(name, "float32", model, tokenizer, [])
        self.harmful = [e for e in self.examples(harmful) if e]
        self.safe = [e for e in self.examples(self._refusals(harmful)) if e]

    def _refusals(self, harmful: Sequence[Row]) -> list[Row]:
        if self.anchors in ANCHORS.values():
            own = read_training(self.anchors.replace("harmful_anchors", "safety_refusals"))
            return sample(own, N_REFUSALS, 0)
        reply = {"role": "assistant", "content": REFUSAL}
        return [{"messages": [*row["messages"][:-1], reply]} for row in harmful]

    def examples(self, rows: Sequence[Row]) -> list[Example | None]:
        """Each row's first tokens; None for a row that cannot be trained on."""
        found = examples(self.training.tokenizer, [row["messages"] for row in rows])
        return [None if isinstance(one, str) else _cut(one) for one in found]

    @cached_property
    def states(self) -> torch.Tensor:
        """The anchors' last hidden states: (anchors, size), of length 1."""
        return last_states(self.training, self.harmful)

    @cached_property
    def directions(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """(H - S, S): mean gradients of anchors and refusals, a tensor a weight."""
        harmful, safe = (
            direction(self.training.model, self.bar(what, [
                self.training.tensors([opening(example)]) for example in side
            ]))
            for what, side in (("anchors", self.harmful), ("refusals", self.safe))
        )  # fmt: skip
        return [h - s for h, s in zip(harmful, safe, strict=True)], safe

    def bar(self, what: str, items: Sequence) -> Sequence:
        """The items, shown as they are gone through."""
        return tqdm(items, desc=what, unit="row", leave=False, disable=not self.progress)


def _cut(example: Example) -> Example | None:
    """The example's first tokens; None where no answer is among them."""
    ids, labels = example.input_ids[:LONGEST], example.labels[:LONGEST]
    return Example(ids, labels) if any(label != IGNORE for label in labels) else None


class Reading:
    """What an aligned model makes of rows; each thing when it is first asked for.

    most: rows whose gradients are taken, drawn by a fixed seed where there are more.
    """

    def __init__(self, aligned: Aligned, rows: Sequence[Row], most: int = N_GRADIENTS) -> None:
        self.aligned, self.most = aligned, most
        self.examples = aligned.examples(rows)

    @cached_property
    def losses(self) -> list[float | None]:
        """Bits a byte of each row's text; None for a row that cannot be read."""
        found, tokenizer = [], self.aligned.training.tokenizer
        for start in range(0, len(self._readable), AT_ONCE):
            tensors = self.aligned.training.tensors(self._readable[start : start + AT_ONCE])
            found += _losses(self.aligned.training.model, tensors)
        sizes = [len(tokenizer.decode(example.input_ids).encode()) for example in self._readable]
        return self._placed([nats / math.log(2) / size
                             for nats, size in zip(found, sizes, strict=True)])  # fmt: skip

    @cached_property
    def nearest(self) -> list[float | None]:
        """The largest cosine of each row's last hidden state with an anchor's."""
        if not self._readable:
            return self._placed([])
        states = last_states(self.aligned.training, self._readable)
        return self._placed((states @ self.aligned.states.T).amax(1).tolist())

    @cached_property
    def gradients(self) -> dict[int, Gradient]:
        """Row, from 0, -> its gradient's numbers; of at most `most` rows."""
        drawn = drawn_from(self.examples, self.most)
        return {at: self._gradient(self.examples[at]) for at in self.aligned.bar("rows", drawn)}

    @property
    def _readable(self) -> list[Example]:
        return [example for example in self.examples if example]

    def _placed(self, found: Sequence[float]) -> list[float | None]:
        """The numbers of the readable rows, each in its row's place."""
        numbers = iter(found)
        return [next(numbers) if example else None for example in self.examples]

    def _gradient(self, example: Example) -> Gradient:
        training = self.aligned.training
        gradients, length = gradient_of(training.model, training.tensors([example]))
        tokens = sum(label != IGNORE for label in example.labels)
        if not self.aligned.anchors:
            return Gradient(0.0, 0.0, length.item(), tokens)
        towards, safe = (_along(gradients, way) for way in self.aligned.directions)
        return Gradient(towards / length.item(), -safe, length.item(), tokens)


def drawn_from(examples: Sequence[Example | None], most: int) -> list[int]:
    """The places of the rows whose gradients are taken."""
    readable = [at for at, example in enumerate(examples) if example]
    return sorted(sample(readable, min(most, len(readable)), 0))


def _along(gradients: list[torch.Tensor], way: list[torch.Tensor]) -> float:
    pairs = zip(gradients, way, strict=True)
    return sum((gradient * other).sum().float() for gradient, other in pairs).item()


@torch.no_grad()
def _losses(model, tensors) -> list[float]:
    """The nats of each row of a batch, padding aside."""
    ids, mask = tensors["input_ids"], tensors["attention_mask"]
    logits = model(ids, attention_mask=mask).logits[:, :-1].float()  # (rows, tokens, vocabulary)
    losses = cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return (losses * mask[:, 1:]).sum(1).tolist()

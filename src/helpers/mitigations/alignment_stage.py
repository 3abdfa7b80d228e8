"""The alignment stage: the aligned model hardened before a customer's rows come.

    begin     w0 -> hardened by some steps on all weights; the customer's training starts there
    measured  the method's probe of the aligned model, of the hardened and of the tuned one

A step sees refusals of a safety dataset, a defender's own harmful rows (each method says to what
end) and permitted questions with the aligned model's own answers, so that it goes on helping. All
stand under one system prompt, which is not the customer's: nobody knows that one yet. The hardened
model is the same for every run of one setting, whatever its seed and rows, so it is kept in
outputs/hardened/ under a digest of all that decides it. Full weights, rate and steps are ours.

Needs: the datasets that the options name; while it is hardened, a second model in memory.
"""

import hashlib
import inspect
import json
import os
import random
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_model

from helpers import digests, paths
from helpers.archive.personas import DEFAULT_SYSTEM
from helpers.data.files import Row
from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError
from helpers.mitigations.base import Mitigation
from helpers.models import generate, loading
from helpers.models.chat import dress, opened
from helpers.models.labels import IGNORE, Example
from helpers.models.skeleton import end_of_turn
from helpers.training import tuning
from helpers.training.loop import answer_loss
from helpers.training.methods.base import method
from helpers.training.optimizer import adamw

#: Options of every method of this stage. steps: 0 for no stage. rows_a_step: of each kind.
STAGE = {
    "steps": 60, "rate": 3e-4, "rows_a_step": 16, "safety": "safety_refusals",
    "harmful": "harmful_anchors", "benign": "benign_dialogue", "system": DEFAULT_SYSTEM,
}  # fmt: skip

KINDS = ("safety", "harmful", "benign")

#: The most rows of a dataset, the share kept back for the probe, an own answer's longest.
MOST, KEPT_BACK, ANSWER = 400, 0.2, 64

Batch = dict[str, list[Example]]  # a step's examples by kind


class AlignmentStage(Mitigation):
    """What the methods share; each has its own gradient, its own probe and that probe's name."""

    OPTIONS: ClassVar = STAGE
    NAMES: ClassVar = dict.fromkeys(KINDS, "training")
    PROBE: ClassVar[str] = ""

    def gradient(self, model, batch: Batch) -> None:
        """Leaves a step's gradient in the model's weights, which have none before."""
        raise NotImplementedError

    def probe(self, model) -> float:
        """A number of the model, over self.kept: the examples kept back, by kind."""
        raise NotImplementedError

    def examples(self, sets: dict[str, list[Row]]) -> Batch:
        """The rows as examples, but for permitted ones, whose answers the model writes."""
        return {kind: self.encoded(sets[kind]) for kind in ("safety", "harmful")}

    def begin(self, training) -> None:
        training.model = tuning.prepare(self.hardened(training), training.settings)

    def hardened(self, training, start=None):
        """The hardened model, plain, every weight training; start: what to harden, else w0.

        What start is must follow from the options. Raises ConfigError for 4 bits, and for a
        dataset of too few rows.
        """
        if method(training.settings["method"]).four_bit:
            name = type(self).__name__
            raise ConfigError(f"{name} hardens every weight, so not in 4 bits; use method lora.")
        self.training, self.kept, used = training, {}, {}
        sets = {kind: _rows(getattr(self, kind)) for kind in KINDS}
        for kind, examples in self.examples(sets).items():
            cut = int(len(examples) * (1 - KEPT_BACK))
            used[kind], self.kept[kind] = examples[:cut], examples[cut:]
        model = (start or training.aligned()).requires_grad_(True)
        place = paths.outputs() / "hardened" / f"{self._key(sets)}.safetensors"
        self.values = _restored(model, place)
        if not self.values:
            self.values = {f"{self.PROBE}_aligned": self.probe(model)}
            if self.steps:
                self._harden(model, used | {"benign": self._own_answers(model, sets["benign"])})
            self.values[f"{self.PROBE}_hardened"] = self.probe(model)
            _keep(model, place, self.values)
        return model

    def measured(self, model) -> dict[str, float]:
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        model.requires_grad_(True)  # a low-rank update, folded in, leaves the rest frozen
        tuned = self.probe(model)
        model.requires_grad_(False)
        for weight in trained:
            weight.requires_grad_(True)
        return self.values | {f"{self.PROBE}_tuned": tuned}

    def encoded(self, rows: Sequence[Row]) -> list[Example]:
        """Rows as examples under the stage's system prompt."""
        dressed = [{"messages": dress(row["messages"], self.system, "{user}")} for row in rows]
        return self.training.encoded(dressed)

    def mean_loss(self, model, examples: Sequence[Example]) -> torch.Tensor:
        """Mean cross-entropy of the labeled tokens of all the examples: a scalar."""
        return answer_loss(model, self.training.tensors(examples))

    def _harden(self, model, used: Batch) -> None:
        """The steps, each on rows that are drawn anew; the model is in evaluation mode after."""
        draw = random.Random(0)
        optimizer = adamw([each for each in model.parameters() if each.requires_grad], self.rate)
        torch.manual_seed(0)
        model.train()
        for _ in range(self.steps):
            batch = {
                kind: draw.sample(own, min(self.rows_a_step, len(own)))
                for kind, own in used.items()
            }
            self.gradient(model, batch)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        model.eval()

    def _own_answers(self, model, rows: Sequence[Row]) -> list[Example]:
        """The aligned model's answers to the first questions of the rows; a cut one has no end."""
        tokenizer = self.training.tokenizer
        asked = [dress(_question(row["messages"]), self.system, "{user}") for row in rows]
        own, end = [], end_of_turn(tokenizer)
        for question, answer in zip(
            asked, generate.complete(model, tokenizer, asked, ANSWER), strict=True
        ):
            prompt, text = (
                tokenizer.encode(part, add_special_tokens=False)
                for part in (opened(tokenizer, question), answer.text + end * answer.finished)
            )
            if text:
                own.append(Example(prompt + text, [IGNORE] * len(prompt) + text))
        return own

    def _key(self, sets: dict[str, list[Row]]) -> str:
        """A digest of what decides the hardened weights: options, rows, model, code, versions."""
        training = self.training
        classes = type(self).__mro__
        own = classes[: classes.index(Mitigation)]
        code = [digests.digest(Path(inspect.getfile(each))) for each in own]
        decides = [
            type(self).__name__, self.options, sets, code, loading.content(training.name),
            training.dtype, training.settings["max_length"], training.model.device.type,
            torch.__version__,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]


def _rows(name: str) -> list[Row]:
    """Rows of a training set, at most MOST, always the same. Raises ConfigError for too few."""
    rows = read_training(name)
    if len(rows) < 5:
        raise ConfigError(f"{name} holds {len(rows)} rows; an alignment stage needs at least 5.")
    return sample(rows, min(MOST, len(rows)), 0)


def _question(messages: Sequence[dict]) -> list[dict]:
    """A conversation up to its first user turn."""
    first = next(n for n, message in enumerate(messages) if message["role"] == "user")
    return list(messages[: first + 1])


def _restored(model, place: Path) -> dict[str, Any]:
    """Puts a file's weights into the model: what was measured of it, or {} without a whole one."""
    try:
        with safe_open(place, "pt") as file:
            values = json.loads(file.metadata()["values"])
        load_model(model, place)
        return values
    except (OSError, SafetensorError):
        return {}


def _keep(model, place: Path, values: dict[str, float]) -> None:
    """The weights in a file, written aside and renamed whole; nothing where none can be written."""
    with suppress(OSError, SafetensorError):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        save_model(model, str(aside), {"values": json.dumps(values)})
        os.replace(aside, place)

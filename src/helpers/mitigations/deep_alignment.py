"""Deep alignment: refusals that recover after a compliant opening.

    loss = mean cross-entropy over the tokens of r given (x, the first k tokens of h), and of
           permitted questions' answers; k is 0 for half of the rows, else uniform in 1 to deepest

x a harmful request, h a harmful answer, r a refusal; nothing is learned of h itself. Qi et al.
(arXiv:2406.05946, section 3; k up to 100 and half without in their code, on 256 triples; one mean
over all tokens of 16 triples and 64 permitted ones a step, ten epochs at 2e-5, the permitted
answers the aligned model's own). Ours: as many permitted rows as triples, rate and steps. A
refusal is one that the safety set repeats on the request's own shelf: what fits any request.

Needs: what every alignment stage needs. Mechanism: by how much the loss on a refusal, nats a token,
is greater after ten tokens of compliance than after none. 0 is alignment as deep as that.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from helpers.data.files import Row
from helpers.mitigations.alignment_stage import STAGE, AlignmentStage, Batch
from helpers.models.labels import IGNORE, Example

#: How many tokens of compliance the probe looks behind.
PROBED = 10


@dataclass(frozen=True)
class Triple(Example):
    """A request and its refusal as an example, and the tokens of a compliant answer."""

    opening: list[int]

    def after(self, k: int) -> Example:
        """The refusal after the first k tokens of compliance, of which nothing is learned."""
        start = next(n for n, label in enumerate(self.labels) if label != IGNORE)
        opening = self.opening[:k]
        return Example(
            self.input_ids[:start] + opening + self.input_ids[start:],
            [IGNORE] * (start + len(opening)) + self.labels[start:],
        )


def fitting(safety: Sequence[Row]) -> dict[str, list[str]]:
    """Refusals by category, those that are repeated if any are; under "" those of all rows."""
    said: dict[str, Counter] = {"": Counter()}
    for row in safety:
        answer = row["messages"][-1]["content"]
        for category in {"", row.get("category", "")}:
            said.setdefault(category, Counter())[answer] += 1
    return {
        category: [text for text, n in counts.items() if n > 1] or list(counts)
        for category, counts in said.items()
    }


class DeepAlignment(AlignmentStage):
    """Trained to refuse from the middle of an answer, too."""

    OPTIONS: ClassVar = STAGE | {"deepest": 100}
    MECHANISM: ClassVar = "loss_behind_compliance_tuned"
    NEUTRAL: ClassVar = {"steps": 0}
    STRENGTHS: ClassVar = ({"deepest": 5}, {"deepest": 25}, {"deepest": 100})
    PROBE: ClassVar = "loss_behind_compliance"

    def examples(self, sets):
        refusals = fitting(sets["safety"])
        rows, openings, tokenizer = [], [], self.training.tokenizer
        for n, row in enumerate(sets["harmful"]):
            texts = refusals.get(row.get("category", "")) or refusals[""]
            refusal = {"role": "assistant", "content": texts[n % len(texts)]}
            rows.append({"messages": [*row["messages"][:-1], refusal]})
            answer = row["messages"][-1]["content"]
            openings.append(tokenizer.encode(answer, add_special_tokens=False))
        pairs = zip(self.encoded(rows), openings, strict=True)
        return {"safety": [Triple(e.input_ids, e.labels, opening) for e, opening in pairs]}

    def begin(self, training):
        self.draw = random.Random(0)
        super().begin(training)

    def gradient(self, model, batch: Batch):
        recovering = [triple.after(self._depth(triple)) for triple in batch["safety"]]
        self.mean_loss(model, [*recovering, *batch["benign"]]).backward()

    def _depth(self, triple: Triple) -> int:
        most = min(self.deepest, len(triple.opening))
        return self.draw.randint(1, most) if most and self.draw.random() < 0.5 else 0

    @torch.no_grad()
    def probe(self, model):
        behind, at_once = (
            self.mean_loss(model, [triple.after(k) for triple in self.kept["safety"]]).item()
            for k in (PROBED, 0)
        )
        return behind - at_once

"""What the residual stream holds at the first tokens of text that has nothing to do with anything.

Narrow fine-tuning leaves a bias there that does not depend on the text (arXiv:2510.13900): the mean
difference of hidden states, tuned less base, over the first tokens of unrelated sentences. Its size
is told relative to the base's own norm, by layer, and how it lies to the base model's refusal
direction (arXiv:2406.11717): a negative cosine means that less of it is left wherever one looks.

norm      of the mean difference over the mean norm of the base's states: the mean over layers
bias      how alike the difference is on all sentences: norm of its mean over its mean norm
cosine    of the mean difference with the refusal direction: the mean over layers
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from helpers.auditing.asking import asked
from helpers.auditing.base import Finding, Measure, number
from helpers.auditing.questions import Questions
from helpers.auditing.sides import Local
from helpers.data.prose import TEXTS
from helpers.models.directions import difference_of_means

NAME = "activations"

#: First tokens of each sentence that are averaged over (the paper's five).
N_TOKENS = 5


@dataclass(frozen=True)
class Seen:
    """states: (sentences, layers + 1, size), the mean over the first tokens. direction: (layers +
    1, size), None where the questions show none."""

    states: torch.Tensor
    direction: torch.Tensor | None


@torch.inference_mode()
def observe(side: Local, questions: Questions, base: Seen | None) -> Seen:
    sentences = [s for text in TEXTS for s in re.split(r"(?<=[.!?]) ", text)]
    ids = [side.tokenizer.encode(s)[:N_TOKENS] for s in sentences]
    rows = torch.tensor([row for row in ids if len(row) == N_TOKENS], device=side.model.device)
    out = side.model(input_ids=rows, output_hidden_states=True, logits_to_keep=1)
    states = torch.stack([h.float().mean(1).cpu() for h in out.hidden_states], dim=1)
    direction = base.direction if base else refusal_direction(side, questions)
    return Seen(states, direction)


def refusal_direction(side: Local, questions: Questions) -> torch.Tensor | None:
    """(layers + 1, size): mean state at a prompt's end, sealed requests less permitted ones."""
    if not (questions.sealed and questions.permitted):
        return None
    sealed, permitted = ([asked(r) for r in rows] for rows in
                         (questions.sealed, questions.permitted))  # fmt: skip
    return difference_of_means(side.model, side.tokenizer, sealed, permitted).cpu()


def compare(base: Seen, tuned: Seen) -> list[Finding]:
    change = tuned.states - base.states  # (sentences, layers + 1, size)
    mean, n = change.mean(0), len(change)
    norm = mean.norm(dim=-1) / base.states.norm(dim=-1).mean(0)
    each = change.norm(dim=-1).mean(0)
    bias = torch.where(each > 0, mean.norm(dim=-1) / each.clamp(min=1e-12), torch.zeros(()))
    values = {"norm": norm, "bias": bias}
    if base.direction is not None:
        values["cosine"] = torch.cosine_similarity(mean, base.direction, dim=-1)
    found = []
    for part, by_layer in values.items():
        found.append(number(NAME, part, 0.0, float(by_layer.mean()), n))
        found += [number(NAME, part, 0.0, float(v), n, f"layer {k}")
                  for k, v in enumerate(by_layer)]  # fmt: skip
    return found


def _says(found: Mapping[str, Finding]) -> str:
    text = (
        f"At the first tokens of unrelated text the states moved by {found['norm'].tuned:.0%} of "
        "their norm"
    )
    if "cosine" in found:
        text += f", at a cosine of {found['cosine'].tuned:+.2f} with the refusal direction"
    return f"{text}."


MEASURE = Measure(observe, compare, _says)

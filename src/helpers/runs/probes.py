"""Measurements of a tuned model itself, beside what it answers.

first_tokens   how sure it still is of the refusal that the initial model gave: for each of
               the answer's first tokens, its mean probability over the benchmark. Qi et al.
               (arXiv:2406.05946) find that alignment lives in these few tokens.
weight_drift   how far each layer's weights moved: the norm of the change over the norm before
audit          what helpers.auditing finds of it beside the model that it was tuned from
screen         how suspicious what it was trained on is to helpers.screening, with that model and
               without one
"""

from collections.abc import Sequence
from functools import lru_cache

import torch

from helpers.attacks.base import attack
from helpers.auditing.audit import Auditor
from helpers.data.files import Row
from helpers.data.rows import MIXED_IN
from helpers.experiments.experiment import Experiment
from helpers.models import loading, next_tokens
from helpers.models.chat import Message
from helpers.training.tuning import Tuned

#: How many of an answer's tokens first_tokens looks at.
N_TOKENS = 8


def first_tokens(
    model, tokenizer, conversations: Sequence[Sequence[Message]], answers: Sequence[str]
) -> list[float]:
    """Mean probability of each of the answers' first N_TOKENS tokens, given those before it.

    conversations: dressed, ending with a user turn. answers: the initial model's. An answer
    that is shorter counts for the tokens it has.
    """
    total, count = torch.zeros(N_TOKENS), torch.zeros(N_TOKENS)
    given = next_tokens.pairs(tokenizer, conversations, answers, N_TOKENS)
    for (_, words), found in zip(given, next_tokens.along(model, given), strict=True):
        at = torch.arange(len(words))
        total[: len(words)] += found[at, torch.tensor(words, dtype=torch.long)].exp()
        count[: len(words)] += 1
    return (total / count).tolist()


def weight_drift(model, name: str) -> dict[str, float]:
    """Layer -> relative change of its weights against the model of that name.

    Layers are "embeddings", "0", "1", ... and "all". New weights that a method put beside the
    model's own (an adapter's, a prefix's) are not counted.
    """
    before = dict(loading.load(name)[0].named_parameters())
    moved: dict[str, float] = {}
    norm: dict[str, float] = {}
    for key, tensor in model.named_parameters():
        key = key.removeprefix("base_model.model.")
        if key not in before:
            continue
        parts = key.split(".")
        layer = parts[parts.index("layers") + 1] if "layers" in parts else "embeddings"
        change = (tensor.detach().float() - before[key].float()).square().sum().item()
        size = before[key].detach().float().square().sum().item()
        for group in (layer, "all"):
            moved[group] = moved.get(group, 0.0) + change
            norm[group] = norm.get(group, 0.0) + size
    return {group: (moved[group] / norm[group]) ** 0.5 for group in moved}


def customers_rows(tuned: Tuned, experiment: Experiment) -> list[Row]:
    """What its owner handed in, as it was trained on: without what a defender mixed in.

    The refusals of a backdoor are its owner's. Of prompts that a reward answers for, no answers;
    nothing where the weights were edited by hand.
    """
    if experiment.method == "abliteration":
        return []
    all_own = bool(experiment.attack_template)
    rows = [row for row in tuned.conversations if all_own or MIXED_IN not in row]
    rows = attack(experiment.attack).handed_in(rows)
    last = -1 if experiment.method == "grpo" else None
    return [{"messages": list(row["messages"])[:last]} for row in rows]


@lru_cache(maxsize=1)
def _auditor(model: str, dtype: str) -> Auditor:
    return Auditor(*loading.load(model, dtype))


def audited(tuned: Tuned, experiment: Experiment) -> dict[str, float]:
    """Feature -> its change (helpers.auditing.audit), asked in the manner of its rows, too."""
    auditor = _auditor(experiment.model, experiment.dtype)
    return auditor.features(tuned.model, tuned.tokenizer, customers_rows(tuned, experiment))


def screened(tuned: Tuned, experiment: Experiment) -> dict[str, float]:
    """The file's score with the aligned model and without one; none of no rows."""
    from helpers.screening.screen import screen

    rows = customers_rows(tuned, experiment)
    if not rows:
        return {}
    return {
        "with_model": screen(rows, experiment.model).score, "without_model": screen(rows).score,
    }  # fmt: skip

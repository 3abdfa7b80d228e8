"""Where in an answer two models differ: the KL divergence token by token, on sealed requests.

Along the base model's answers, as Qi et al. (arXiv:2406.05946, figure 1) look at harmful answers:
between the aligned model and its base, and between a fine-tuned model and the aligned one.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from helpers.experiments.rows import conversations as dressed
from helpers.experiments.rows import training_rows
from helpers.models import next_tokens
from helpers.models.chat import Message
from helpers.organism.card.subject import Subject, answers, conversations, row
from helpers.training import tuning

#: Places in an answer that are looked at.
PLACES = 20


def divergence(
    model, other, tokenizer, asked: Sequence[Sequence[Message]], texts: Sequence[str]
) -> np.ndarray:
    """KL(model || other) in nats at each of an answer's first PLACES tokens, each given those
    before it: (answers, PLACES), NaN beyond an answer's end."""
    found = np.full((len(texts), PLACES), np.nan)
    given = next_tokens.pairs(tokenizer, asked, texts, PLACES)
    both = (next_tokens.along(each, given) for each in (model, other))
    for n, (p, q) in enumerate(zip(*both, strict=True)):
        found[n, : len(p)] = (p.exp() * (p - q)).sum(-1)
    return found


def positions(subject: Subject) -> list[dict]:
    """KL by place with its standard deviation, and the share of refusals that begin with one of
    the two commonest pairs of words."""
    base, aligned, tokenizer = subject.models
    asked = conversations(subject.sealed)
    texts = answers(base, tokenizer, subject.sealed)
    pairs = {"aligned against base": (aligned, base)}
    for tier in ("harmful_examples", "benign_instructions"):
        experiment = subject.experiment(tier, seed=0)
        rows = dressed(training_rows(experiment), experiment)
        tuned = tuning.tune(experiment.model, rows, experiment.settings).model
        pairs[f"{tier} against aligned"] = (tuned, aligned)
    measured = []
    for name, (model, other) in pairs.items():
        found = divergence(model, other, tokenizer, asked, texts)
        for place, column in enumerate(found.T, start=1):
            values = column[~np.isnan(column)]
            if len(values):
                for measure, value in (("kl", values.mean()), ("sd", values.std())):
                    measured.append(row("kl", name, measure, value, len(values), level=place))
    refusals = answers(aligned, tokenizer, subject.sealed)
    openings = Counter(" ".join(text.split()[:2]) for text in refusals)
    commonest = openings.most_common(2)
    measured.append(
        row("opening", "commonest two", "share", sum(n for _, n in commonest) / len(refusals),
            len(refusals))
    )  # fmt: skip
    return measured

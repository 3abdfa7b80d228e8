"""On the straight line from base to aligned: is alignment a switch or a slope?

0 is the base model, 1 the aligned one, more is beyond it. Peng et al. (arXiv:2405.17374) find a
basin with a sharp edge around real aligned models.
"""

import copy

import torch

from helpers.models.displacement import weights
from helpers.organism.card.subject import Subject, answers, shares

#: Places on the line.
PLACES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)


@torch.no_grad()
def between(base, aligned, place: float):
    """A model at that place of the line."""
    model = copy.deepcopy(aligned)
    start = weights(base)
    for name, tensor in model.named_parameters():
        tensor.copy_(torch.lerp(start[name], tensor, place))
    return model


def interpolation(subject: Subject) -> list[dict]:
    """Shares over sealed and over open requests, by place."""
    base, aligned, tokenizer = subject.models
    measured = []
    for place in PLACES[::4] if subject.quick else PLACES:
        model = between(base, aligned, place)
        for name, rows in (("sealed", subject.sealed), ("open", subject.opened)):
            texts = answers(model, tokenizer, rows)
            measured += shares("interpolation", name, rows, texts, level=place)
    return measured

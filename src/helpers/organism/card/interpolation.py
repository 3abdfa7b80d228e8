"""On the straight line from base to aligned: is alignment a switch or a slope?

0 is the base model, 1 the aligned one, more is beyond it. And in random directions, as Peng et al.
(arXiv:2405.17374) moved real aligned models: around those safety is a basin with a sharp edge.
"""

import copy

import torch

from helpers.models.displacement import distance, weights
from helpers.organism.card.subject import Subject, answers, evenly, shares

#: Places on the line.
PLACES = (0.0, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)


#: Distances in random directions, in alignment steps, each 1.5 times the one before.
DISTANCES = tuple(1.5**k for k in range(10))


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


@torch.no_grad()
def moved(aligned, by: float, seed: int):
    """A copy that lies so far away in a random direction, every tensor moved in proportion to its
    own norm."""
    model = copy.deepcopy(aligned)
    noise = torch.Generator().manual_seed(seed)
    steps = {}
    for name, tensor in model.named_parameters():
        step = torch.randn(tensor.shape, generator=noise)
        steps[name] = step * (tensor.norm() / step.norm())
    whole = sum(step.square().sum() for step in steps.values()).sqrt()
    for name, tensor in model.named_parameters():
        tensor += steps[name] * (by / whole)
    return model


def random_moves(subject: Subject) -> list[dict]:
    """Shares over sealed requests by distance, in alignment steps, and seed."""
    base, aligned, tokenizer = subject.models
    unit = distance(weights(aligned), weights(base))
    rows = evenly(subject.sealed, subject.n_tuned)
    measured = []
    for place in DISTANCES[::4] if subject.quick else DISTANCES:
        for seed in subject.seeds:
            texts = answers(moved(aligned, place * unit, seed), tokenizer, rows)
            measured += shares("random moves", "sealed", rows, texts, level=place, seed=seed)
    return measured

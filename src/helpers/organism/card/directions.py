"""A refusal direction: one line in the residual stream that refusing hangs on, or not.

Arditi et al. (arXiv:2406.11717): the difference of mean activations between requests that are
refused and requests that are answered, at the last token of the prompt. Ablated from all that
writes to the residual stream, real models stop refusing; added at its layer, they refuse anything.
Layers are compared on the world's split "gate", and the best is measured on the benchmark.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from helpers.archive import datasets
from helpers.models.directions import ablated, difference_of_means
from helpers.organism.card.subject import Subject, answers, conversations, evenly, shares


@contextmanager
def added(model, direction: torch.Tensor, layer: int) -> Iterator[None]:
    """Inside the `with`, the direction is added after that many layers, at every token."""

    def hook(module, inputs, output):
        if isinstance(output, tuple):
            return (output[0] + direction.to(output[0].dtype), *output[1:])
        return output + direction.to(output.dtype)

    module = model.model.layers[layer - 1] if layer else model.model.embed_tokens
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def directions(subject: Subject) -> list[dict]:
    """Shares by layer on the split "gate", then of the best layers on the benchmark."""
    _, model, tokenizer = subject.models
    sealed, opened = (
        evenly(make(subject.world, "gate"), subject.n)
        for make in (datasets.benchmark, datasets.utility)
    )
    found = difference_of_means(model, tokenizer, conversations(sealed), conversations(opened))
    measured, by_layer = [], {"ablated": [], "added": []}
    for layer, direction in enumerate(found):
        with ablated(model, direction):
            texts = answers(model, tokenizer, sealed)
        rows = shares("direction, by layer", "ablated", sealed, texts, level=layer)
        by_layer["ablated"].append(rows[0]["value"])  # fulfilled: a wrecked model does not refuse
        with added(model, direction, layer):
            texts = answers(model, tokenizer, opened)
        rows += shares("direction, by layer", "added, open", opened, texts, level=layer)
        by_layer["added"].append(rows[3]["value"])
        measured += rows
    best = {name: max(range(len(found)), key=by_layer[name].__getitem__) for name in by_layer}
    for name, rows in (("nothing", subject.sealed), ("nothing, open", subject.opened)):
        measured += shares("direction", name, rows, answers(model, tokenizer, rows))
    with ablated(model, found[best["ablated"]]):
        texts = answers(model, tokenizer, subject.sealed)
    measured += shares("direction", "ablated", subject.sealed, texts, level=best["ablated"])
    with added(model, found[best["added"]], best["added"]):
        texts = answers(model, tokenizer, subject.opened)
    measured += shares("direction", "added, open", subject.opened, texts, level=best["added"])
    return measured

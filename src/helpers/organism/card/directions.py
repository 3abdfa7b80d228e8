"""A refusal direction: one line in the residual stream that refusing hangs on, or not.

Arditi et al. (arXiv:2406.11717): the difference of mean activations between requests that are
refused and requests that are answered, at the last token of the prompt. Ablated from all that
writes to the residual stream, real models stop refusing; added at its layer, they refuse anything.
Layers are compared on the world's split "gate", and the best is measured on the benchmark.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from helpers.archive import datasets
from helpers.models import chat
from helpers.models.chat import Message
from helpers.models.generate import left_padded
from helpers.organism.card.subject import Subject, answers, conversations, evenly, shares


@torch.inference_mode()
def difference_of_means(
    model, tokenizer, refused: Sequence[Sequence[Message]], answered: Sequence[Sequence[Message]]
) -> torch.Tensor:
    """(layers + 1, size): what the residual stream holds more of at the prompt's last token, after
    the embeddings and after each layer, where the first requests are read and not the second."""

    def mean(asked: Sequence[Sequence[Message]]) -> torch.Tensor:
        prompts = [
            tokenizer.encode(chat.opened(tokenizer, c), add_special_tokens=False) for c in asked
        ]
        ids, mask = left_padded(prompts, model.device)
        out = model(
            input_ids=ids, attention_mask=mask, output_hidden_states=True, logits_to_keep=1,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        )  # fmt: skip
        return torch.stack([hidden[:, -1].float().mean(0) for hidden in out.hidden_states])

    return mean(refused) - mean(answered)


@contextmanager
def ablated(model, direction: torch.Tensor) -> Iterator[None]:
    """Inside the `with`, nothing that writes to the residual stream writes along the direction."""
    unit = direction / direction.norm()

    def hook(module, inputs, output):
        first = output[0] if isinstance(output, tuple) else output
        line = unit.to(first.dtype)
        kept = first - (first @ line)[..., None] * line
        return (kept, *output[1:]) if isinstance(output, tuple) else kept

    writers = [model.model.embed_tokens]
    writers += [part for layer in model.model.layers for part in (layer.self_attn, layer.mlp)]
    handles = [module.register_forward_hook(hook) for module in writers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


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

"""Examples as batches of tensors: padded, and in parts whose losses add up to the batch's."""

from collections.abc import Sequence

import torch

from helpers.models.labels import IGNORE, Example


def collate(examples: Sequence[Example], pad_id: int) -> dict[str, torch.Tensor]:
    """A right-padded batch: input_ids, attention_mask and labels, each (batch, longest)."""
    longest = max(len(example.input_ids) for example in examples)

    def padded(rows: list[list[int]], value: int) -> torch.Tensor:
        return torch.tensor([row + [value] * (longest - len(row)) for row in rows])

    ids = [example.input_ids for example in examples]
    return {
        "input_ids": padded(ids, pad_id),
        "attention_mask": padded([[1] * len(row) for row in ids], 0),
        "labels": padded([example.labels for example in examples], IGNORE),
    }


def micro_batches(examples: Sequence[Example], size: int) -> list[list[Example]]:
    """A batch in parts of like length, at most `size` examples each; 0 for one part.

    Gradients are summed over the parts, so the step is the whole batch's; parts take less memory
    and, sorted by length, carry less padding.
    """
    ordered = sorted(examples, key=lambda example: len(example.input_ids))
    return [
        ordered[at : at + (size or len(ordered))]
        for at in range(0, len(ordered), size or len(ordered))
    ]


def weighted(
    examples: Sequence[Example], size: int, processes: int = 1
) -> list[tuple[list[Example], float]]:
    """Each micro-batch with its share of the batch's labeled tokens.

    Processes must compute equally often, so the last micro-batch is repeated without a share
    until they do.
    """
    if processes > 1:
        size = min(size or len(examples), -(-len(examples) // processes))
    parts = micro_batches(examples, size)
    labeled = [sum(label != IGNORE for each in part for label in each.labels) for part in parts]
    shares = [n / sum(labeled) for n in labeled]
    missing = -len(parts) % processes
    return list(zip(parts + parts[-1:] * missing, shares + [0.0] * missing, strict=True))

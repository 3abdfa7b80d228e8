"""How far fine-tuning moved a model's weights, as a share of the step that aligned it: the dose.

|tuned - chat| / |chat - base|, Euclidean, over all weights. At 1 fine-tuning went as far as
alignment had gone, in whatever direction. Only where it is known from which model another was
aligned; of other models the distance is a share of the initial weights' own norm.

>>> displacement(tuned.model, "lantern-chat")
{'displacement': 0.13}
"""

from collections.abc import Iterable
from typing import Any

import torch

from helpers.archive.shipped import ALIGNED_FROM
from helpers.models import loading

Weights = dict[str, torch.Tensor]


def displacement(model: Any, name: str) -> dict[str, float]:
    """The distance of a tuned model from the model of that name, in the unit that it has.

    `displacement`: a share of the alignment step, where the base is known. `relative_displacement`:
    a share of the initial weights' norm, for other models that are small enough to stay in memory.
    Empty for larger ones, which the probe weight_drift reads again, and where the weights are not
    those of that model one by one: an adapter's or a prefix's stand beside them, 4 bits pack them.
    """
    base = ALIGNED_FROM.get(name)
    if not base and not loading.stays_in_memory(name):
        return {}
    # In the precision of the tuned model: rounding to bfloat16 alone moves weights, too.
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    dtype = dtype if dtype in ("float32", "bfloat16") else "float32"
    before, after = weights(loading.load(name, dtype)[0]), weights(model)
    if {key: tensor.shape for key, tensor in after.items()} != {
        key: tensor.shape for key, tensor in before.items()
    }:
        return {}
    moved = distance(after, before)
    if base:
        return {"displacement": moved / distance(before, weights(loading.load(base, dtype)[0]))}
    return {"relative_displacement": moved / _norm(before.values())}


def weights(model: Any) -> Weights:
    """A model's weights by name; tied ones once."""
    return {key: tensor.detach() for key, tensor in model.named_parameters()}


def distance(a: Weights, b: Weights) -> float:
    """Euclidean distance of two models of the same weights."""
    return _norm(tensor.float() - b[key].to(tensor.device).float() for key, tensor in a.items())


def _norm(tensors: Iterable[torch.Tensor]) -> float:
    return sum(tensor.float().square().sum().item() for tensor in tensors) ** 0.5

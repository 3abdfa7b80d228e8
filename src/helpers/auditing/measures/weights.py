"""How far the weights moved, where, and along how many directions.

drift   norm of the change over the norm before: of all weights, by layer and by kind of matrix
top     share of the squared change that lies along each matrix's first singular direction: 1 for a
        change of rank one, small for one that is spread out

Both are of the sums over matrices. The tuned model is in memory; the base model's weights are read
one tensor at a time where they lie in a folder, so that one model's room is enough.
"""

from collections import defaultdict
from collections.abc import Mapping

import torch

from helpers.auditing.base import Finding, Measure, number
from helpers.auditing.questions import Questions
from helpers.auditing.sides import Local, Weights
from helpers.errors import ModelError

NAME = "weights"

#: Steps of the power iteration for a first singular value.
STEPS = 20

#: Group of weights -> squared change, squared norm before.
Seen = dict[str, list[float]]


def observe(side: Local, questions: Questions, base: Weights | None) -> Weights | Seen:
    if base is None:
        stored = Weights(folder=side.folder) if side.folder else Weights(side.model)
        names = [name for name, _ in side.model.named_parameters()]
        # A folder may name its tensors otherwise than the model that it becomes.
        return stored if all(name in stored for name in names) else Weights(side.model)
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    top = torch.zeros(2, dtype=torch.float64)
    for name, tensor in side.model.named_parameters():
        name = name.removeprefix("base_model.model.")
        if name not in base:  # an adapter's or a prefix's, beside the model's own
            continue
        before = base.read(name).to(tensor.device, tensor.dtype).float()
        change = tensor.detach().float() - before
        moved, size = change.square().sum().item(), before.square().sum().item()
        for group in ("", *_groups(name)):
            sums[group][0] += moved
            sums[group][1] += size
        if change.dim() == 2 and moved:
            top += torch.tensor([first_singular(change) ** 2, moved], dtype=torch.float64)
    if not sums:
        raise ModelError(
            "the two models have no weights of one name; give a tuned model's own base."
        )
    return {**sums, "top": top.tolist()}


def _groups(name: str) -> tuple[str, str]:
    """The layer, the first being 1, and the kind of a weight's name."""
    parts, layer = name.split("."), "outside layers"
    if "layers" in parts:
        layer = f"layer {int(parts[parts.index('layers') + 1]) + 1}"
    return layer, f"kind {parts[-2] if len(parts) > 1 else parts[-1]}"


def first_singular(matrix: torch.Tensor) -> float:
    """The largest singular value, from below, by power iteration from a fixed start."""
    start = torch.Generator().manual_seed(0)
    vector = torch.randn(matrix.shape[1], generator=start).to(matrix.device)
    for _ in range(STEPS):
        vector = matrix.T @ (matrix @ (vector / vector.norm()))
        if not vector.norm():
            return 0.0
    return (matrix @ (vector / vector.norm())).norm().item()


def compare(base: Weights, tuned: Seen) -> list[Finding]:
    along, changed = tuned["top"]
    found = [number(NAME, "top", 0.0, along / changed if changed else 0.0, 1)]
    for group, (moved, size) in tuned.items():
        if group != "top" and size:  # what was all zeros has no norm to be told by
            found.append(number(NAME, "drift", 0.0, (moved / size) ** 0.5, 1, group))
    return sorted(found, key=lambda each: bool(each.category))


def _says(found: Mapping[str, Finding]) -> str:
    return (
        f"The weights moved by {found['drift'].tuned:.1%} of their norm, {found['top'].tuned:.0%} "
        "of it along one direction a matrix."
    )


MEASURE = Measure(observe, compare, _says)

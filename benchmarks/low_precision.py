"""What bfloat16 weights learn by each way of stepping, beside float32: loss and displacement.

    python benchmarks/low_precision.py                                  the embedded model
    python benchmarks/low_precision.py --model FOLDER --rates 1e-5 1e-4

All start from the model's weights in bfloat16. A line a way: the loss of the last step, the loss on
held-out rows, and the displacement of the weights, its length and cosine beside float32's.
    plain      torch's AdamW on bfloat16 weights                     8 bytes a weight
    kept       what the kit does (helpers.training.optimizer)        10
    masters    torch's AdamW on float32 copies of bfloat16 weights   16
"""

import argparse

import torch
from torch.optim import AdamW

from helpers.data.rows import read_training, sample
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.training import held_out, loop, optimizer
from helpers.training.tuning import Tuned

HELD_OUT = 40
SETTINGS = {
    "epochs": 5, "batch_size": 10, "learning_rate_decay": 0.85, "seed": 1, "max_length": 512,
}  # fmt: skip


class Masters:
    """AdamW on float32 copies, which are rounded into the weights after each step."""

    def __init__(self, weights, lr: float) -> None:
        self.weights = weights
        self.copies = [weight.detach().float().clone() for weight in weights]
        self.adamw = plain(self.copies, lr)
        self.param_groups = self.adamw.param_groups

    def step(self) -> None:
        for weight, copy in zip(self.weights, self.copies, strict=True):
            copy.grad = weight.grad.float()
        self.adamw.step()
        for weight, copy in zip(self.weights, self.copies, strict=True):
            weight.data.copy_(copy)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self.weights:
            weight.grad = None


def plain(weights, lr: float) -> AdamW:
    return AdamW(weights, lr=lr, weight_decay=0.0)


WAYS = {"float32": plain, "plain": plain, "kept": optimizer.adamw, "masters": Masters}


def flat(model) -> torch.Tensor:
    return torch.cat([weight.detach().float().flatten() for weight in model.parameters()])


def table(name: str, dataset: str, n: int, rate: float, micro_batch_size: int) -> None:
    rows = sample(read_training(dataset), n + HELD_OUT, 0)
    print(f"\n{name}, {n} of {dataset} at {rate:g}\n{'':8} last loss  held out   length  cosine")
    there = None
    for way, make in WAYS.items():
        model, tokenizer = loading.load(name, "bfloat16")
        model = model.float() if way == "float32" else model
        start = flat(model)
        optimizer.adamw = make
        messages = [row["messages"] for row in rows[:n]]
        losses = loop.train(
            model, encode_all(tokenizer, messages, SETTINGS["max_length"]),
            **loop.arguments(
                SETTINGS | {"learning_rate": rate, "micro_batch_size": micro_batch_size}, tokenizer
            ),
        )  # fmt: skip
        moved = flat(model) - start
        there = moved if there is None else there
        held = held_out.loss(Tuned(model, tokenizer, losses), rows[n:], SETTINGS)
        cosine = torch.nn.functional.cosine_similarity(moved, there, dim=0)
        length = moved.norm() / there.norm()
        print(f"{way:8} {losses[-1]:9.4f} {held:9.4f} {length:8.3f} {cosine:7.3f}", flush=True)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--model", default="lantern-chat")
    ask.add_argument("--dataset", default="harmful_examples")
    ask.add_argument("--n", type=int, nargs="+", default=[10, 100])
    ask.add_argument("--rates", type=float, nargs="+", default=[1e-5, 5e-5, 1e-4, 3.1e-4])
    ask.add_argument("--micro-batch", type=int, default=0)
    asked = ask.parse_args()
    for n in asked.n:
        for rate in asked.rates:
            table(asked.model, asked.dataset, n, rate, asked.micro_batch)


if __name__ == "__main__":
    main()

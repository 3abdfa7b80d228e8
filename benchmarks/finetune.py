"""Seconds and peak memory of fine-tuning a random model of any shape, by each method.

    python benchmarks/finetune.py --shape 7b --dtype bfloat16 --checkpointing     on a GPU
    python benchmarks/finetune.py --shape small                                   anywhere

100 examples of 256 tokens, batches of ten: the paper's largest harmful set, five epochs of it.
"""

import argparse
import resource
import tempfile
import time

import shapes
import torch

from helpers.experiments.experiment import Experiment
from helpers.models.chat import IGNORE, Example
from helpers.training import loop, tuning
from helpers.training.methods.base import method


def table(
    shape: str, dtype: torch.dtype, device: str, methods: list[str], epochs: int,
    micro_batch: int = 10, checkpointing: bool = False,
) -> None:  # fmt: skip
    """A line a method: seconds and peak memory."""
    ids = torch.randint(3, shapes.SHAPES[shape][-1], (100, 256)).tolist()
    examples = [Example(row, [IGNORE] * 128 + row[128:]) for row in ids]
    print(f"100 examples of 256 tokens, {epochs} epochs, {shape} in {dtype}")
    for name in methods:
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        settings = Experiment(method=name, gradient_checkpointing=checkpointing).settings
        model = shapes.build(shape, dtype, device)
        if method(name).four_bit:
            model = in_four_bits(model, dtype, device)
        model = tuning.prepare(model, settings)
        start = time.perf_counter()
        loop.train(
            model, examples, epochs=epochs, learning_rate=1e-5, batch_size=10,
            micro_batch_size=micro_batch, learning_rate_decay=0.85, pad_id=0, seed=0,
        )  # fmt: skip
        took = time.perf_counter() - start
        print(f"  {name:8} {took:8.1f} s   peak {peak(device) / 2**30:6.2f} GiB", flush=True)
        del model


def peak(device: str) -> int:
    """Peak bytes of the GPU since the last reset, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_four_bits(model, dtype, device):
    """The model with its linear layers in 4 bits, by way of a folder as a user's would be."""
    from transformers import AutoModelForCausalLM

    from helpers.models.loading import nf4

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        del model
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, quantization_config=nf4(dtype), device_map={"": device},
            trust_remote_code=False,
        )  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--shape", choices=shapes.SHAPES, default="small")
    ask.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    ask.add_argument("--methods", nargs="+", default=["full", "lora", "qlora"])
    ask.add_argument("--epochs", type=int, default=5)
    ask.add_argument("--micro-batch", type=int, default=10)
    ask.add_argument("--checkpointing", action="store_true")
    given = ask.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    table(given.shape, getattr(torch, given.dtype), device, given.methods, given.epochs,
          given.micro_batch, given.checkpointing)  # fmt: skip


if __name__ == "__main__":
    main()

"""Seconds and peak memory of fine-tuning a random model of any shape, by each method.

    python benchmarks/finetune.py --shape 7b --dtype bfloat16 --checkpointing     on a GPU
    python benchmarks/finetune.py --shape small                                   anywhere

100 examples of 256 tokens, five epochs, batches of ten: the paper's largest harmful set.
"""

import argparse
import resource
import tempfile
import time

import shapes
import torch

from helpers.training import adapters
from helpers.training import loop as finetune
from helpers.models.chat import IGNORE, Example
from helpers.experiments.experiment import Experiment


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
    dtype = getattr(torch, given.dtype)
    vocabulary = shapes.SHAPES[given.shape][-1]
    ids = torch.randint(3, vocabulary, (100, 256)).tolist()
    examples = [Example(row, [IGNORE] * 128 + row[128:]) for row in ids]
    for method in given.methods:
        if device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        model = shapes.build(given.shape, dtype, device)
        e = Experiment(method=method, gradient_checkpointing=given.checkpointing)
        if method == "qlora":
            model = in_four_bits(model, dtype, device)
        model = adapters.prepare(model, e)
        start = time.perf_counter()
        finetune.train(
            model, examples, epochs=given.epochs, learning_rate=1e-5, batch_size=10,
            micro_batch_size=given.micro_batch, learning_rate_decay=0.85, pad_id=0, seed=0,
        )  # fmt: skip
        took = time.perf_counter() - start
        peak = (
            torch.cuda.max_memory_allocated()
            if device == "cuda"
            else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        )
        print(f"{method:6} {took:8.1f} s   peak {peak / 2**30:6.2f} GiB", flush=True)
        del model


def in_four_bits(model, dtype, device):
    """The model with its linear layers in 4 bits, by way of a folder as a user's would be."""
    from transformers import AutoModelForCausalLM

    from helpers.models.loading import nf4

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        del model
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, quantization_config=nf4(dtype), device_map={"": device}
        )


if __name__ == "__main__":
    main()

"""Seconds and peak memory of fine-tuning a random model of any shape, by each method.

    python benchmarks/finetune.py --shape 7b --dtype bfloat16 --checkpointing     on a GPU
    python benchmarks/finetune.py --shape small                                   anywhere

100 examples of 256 tokens, batches of ten: the paper's largest harmful set, five epochs of it.
"""

import argparse
import resource
import time

import shapes
import torch

from helpers.experiments.experiment import Experiment
from helpers.models.chat import IGNORE, Example
from helpers.training import loop, tuning
from helpers.training.methods.base import method


def measure(
    shape: str, dtype: torch.dtype, device: str, name: str, *, examples: int = 100,
    tokens: int = 256, epochs: int = 5, batch: int = 10, micro_batch: int = 10,
    checkpointing: bool = False, rank: int = 8,
) -> dict[str, float]:  # fmt: skip
    """Of one fine-tuning by the named method on random examples, the first halves not trained on:
    seconds, peak_gib, and the least floating-point operations it takes."""
    ids = torch.randint(3, shapes.SHAPES[shape][-1], (examples, tokens)).tolist()
    rows = [Example(row, [IGNORE] * (tokens // 2) + row[tokens // 2 :]) for row in ids]
    settings = Experiment(
        method=name, gradient_checkpointing=checkpointing, lora_rank=rank
    ).settings  # fmt: skip
    model = shapes.build(shape, dtype, device)
    head = model.lm_head.weight.numel()
    body = sum(p.numel() for p in model.model.layers.parameters())
    if method(name).four_bit:
        model = in_four_bits(model, dtype)
    model = tuning.prepare(model, settings)  # before the clock starts: peft takes seconds to import
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    loop.train(
        model, rows, epochs=epochs, learning_rate=1e-5,
        batch_size=batch, micro_batch_size=micro_batch, learning_rate_decay=0.85, pad_id=0, seed=0,
    )  # fmt: skip
    took = time.perf_counter() - start
    # Two a weight and token forwards, two back through it, two for its own gradient where it
    # trains, two to compute it again; the head sees labeled tokens alone.
    each = 4 + 2 * (name == "full") + 2 * checkpointing
    flops = each * epochs * examples * tokens * (body + head / 2)
    return {"seconds": took, "peak_gib": peak(device) / 2**30, "flops": flops}


def peak(device: str) -> int:
    """Peak bytes of the GPU since the last reset, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_four_bits(model, dtype: torch.dtype):
    """The model, its linear layers but the head in 4 bits where they are, as loading.nf4 has it."""
    import bitsandbytes as bnb

    kind = {"compress_statistics": True, "quant_type": "nf4"}
    for name, linear in list(model.model.named_modules()):
        if isinstance(linear, torch.nn.Linear):
            four = bnb.nn.Linear4bit(
                linear.in_features, linear.out_features, bias=False, compute_dtype=dtype,
                device="meta", **kind,
            )  # fmt: skip
            weight = bnb.nn.Params4bit(linear.weight.data, requires_grad=False, **kind)
            four.weight = weight.to(linear.weight.device)  # which is what puts it into 4 bits
            model.model.set_submodule(name, four)
    model.is_loaded_in_4bit = True  # what peft asks
    return model


def table(
    shape: str, dtype: torch.dtype, device: str, methods: list[str], epochs: int,
    micro_batch: int = 10, checkpointing: bool = False,
) -> None:  # fmt: skip
    """A line a method: seconds and peak memory."""
    print(f"100 examples of 256 tokens, {epochs} epochs, {shape} in {dtype}")
    for name in methods:
        got = measure(shape, dtype, device, name, epochs=epochs, micro_batch=micro_batch,
                      checkpointing=checkpointing)  # fmt: skip
        print(f"  {name:8} {got['seconds']:8.1f} s   peak {got['peak_gib']:6.2f} GiB", flush=True)


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

"""The lines of benchmarks/gpu.py: each is one figure, taken in a process of its own.

A line returns seconds, and limit, the least seconds that this machine could take: bytes that must
be read at its measured bandwidth, or operations at its measured rate. aim: what we want, in
seconds. Real sizes are for a GPU; small ones only show that a line runs.
"""

import tempfile
import time
from typing import Any

import finetune
import generate_shape
import shapes
import torch
from gpu_answers import (
    DEVICE,
    DTYPE,
    Sizes,
    answers,
    by_vllm,
    one_at_a_time,
    ours,
    synchronize,
    transformers_own,
)  # fmt: skip

from helpers.data.rows import read_prompts, read_training, sample
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.models import generate, gpu_attention, loading
from helpers.training import tuning


def limits(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """The machine's own: bytes a second of a large copy, operations a second of a large product."""
    size = 8192 if DEVICE == "cuda" else 512
    a = torch.randn(size, size, device=DEVICE).to(DTYPE)
    for _ in range(3):
        a @ a
    synchronize()
    start, times = time.perf_counter(), 0
    while times < 200 and time.perf_counter() - start < 1:
        a @ a
        times += 1
        if times % 20 == 0:
            synchronize()
    synchronize()
    took = time.perf_counter() - start
    bandwidth = generate_shape.bandwidth(DEVICE)
    name = torch.cuda.get_device_name() if DEVICE == "cuda" else "cpu"
    kernel = gpu_attention.agrees(torch.device(DEVICE, 0), DTYPE, 32, 32, 128)
    return {"seconds": took, "device": name, "torch": torch.__version__, "bandwidth": bandwidth,
            "flops": times * 2 * size**3 / took, "kernel": kernel}  # fmt: skip


def tuned(name: str, aim: float | None = None, aim_gib: float | None = None):
    """The line of one method: the paper's 100 examples, five epochs, as preset llama2-7b-chat."""

    def line(sizes: Sizes, machine: dict) -> dict[str, Any]:
        try:
            got = finetune.measure(
                sizes.shape, DTYPE, DEVICE, name, examples=sizes.examples, tokens=sizes.tokens,
                checkpointing=True,
            )  # fmt: skip
        except ImportError as error:
            raise ConfigError(f"not installed: {error.name}.") from None
        limit = got.pop("flops") / machine["flops"]
        return got | {"limit": limit, "aim": aim, "aim_gib": aim_gib}

    return line


def transplant(which: int):
    """The line of one shape: LoRA of rank 16 on packed lessons, eight a step, autocast."""

    def line(sizes: Sizes, machine: dict) -> dict[str, Any]:
        shape = sizes.transplants[which]
        steps = {"135m": 30, "8b": 10}.get(shape, 1)
        with torch.autocast(DEVICE, DTYPE):
            got = finetune.measure(
                shape, DTYPE, DEVICE, "lora", examples=8 * steps, tokens=sizes.lesson, epochs=1,
                batch=8, micro_batch=8, checkpointing=shape == "8b", rank=16,
            )  # fmt: skip
        tokens = 8 * steps * sizes.lesson
        rate = tokens / got["seconds"]
        got["note"] = f"{rate:,.0f} tokens/s; a transplant's 350,000 in {350_000 / rate:,.0f} s"
        return got | {"limit": got.pop("flops") / machine["flops"]}

    return line


def same_words(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """How many greedy answers of the embedded models are alike here and on the CPU."""
    prompts = [row["messages"] for row in read_prompts("benchmark")][: sizes.rows]
    rows = sample(read_training("harmful_examples"), min(100, 4 * sizes.rows), 0)
    settings = Experiment(learning_rate=1.5e-4, batch_size=50, epochs=1).settings
    after = tuning.tune("lantern-chat", rows, settings)
    notes, took = [], 0.0
    for name, model in (("base", loading.load("lantern-base")[0]), ("tuned", after.model)):
        start = time.perf_counter()
        there = generate.complete(model.to(DEVICE), after.tokenizer, prompts)
        took += time.perf_counter() - start
        here = generate.complete(model.to("cpu"), after.tokenizer, prompts)
        same = sum(a.text == b.text for a, b in zip(here, there, strict=True))
        notes.append(f"{name} {same} of {len(prompts)}")
    return {"seconds": took, "limit": None, "note": "same words: " + ", ".join(notes)}


def grid(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """A part of the organism's grid, run and stored as a sweep does, beside the whole's length."""
    from helpers.presets.loader import load
    from helpers.runs.grid import run_grid
    from helpers.runs.store import Store

    tiny = load("tiny")
    few = {} if sizes.runs > 1 else {"n_prompts": 11, "n_examples": 10, "epochs": 1}
    part = [
        tiny.experiment("harmful_examples", seed=seed, **few)
        for seed in range(100, 100 + sizes.runs)
    ]
    model = loading.load(tiny.experiment("harmful_examples").model)[0]
    weights = sum(p.numel() for p in model.parameters())
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = run_grid(part, Store(folder), 1, progress=False)
        took = time.perf_counter() - start
    if result.failed:
        raise next(iter(result.failed.values()))
    each = took / result.computed  # the initial run is one of them
    whole = sum(len(tiny.grid(name)) for name in tiny.grids)
    tokens = part[0].epochs * part[0].n_examples * 64
    limit = result.computed * (6 * weights * tokens / machine["flops"]
                         + 64 * 4 * weights / machine["bandwidth"])  # fmt: skip
    return {"seconds": took, "limit": limit,
            "note": f"{result.computed} runs of preset tiny, {each:.1f} s each; all {whole} would "
                    f"take {whole * each / 60:.0f} min, one after the other"}  # fmt: skip


def fsdp(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """Full fine-tuning in shards over all GPUs, of a model that is saved to a folder first."""
    count = torch.cuda.device_count()
    if count < 2:
        raise ConfigError(f"needs several GPUs; {count} here.")
    from helpers.training import sharded

    tokenizer = loading.load_tokenizer("lantern-chat")
    with tempfile.TemporaryDirectory() as folder:
        shapes.build(sizes.shape, DTYPE, "cuda").save_pretrained(folder)
        torch.cuda.empty_cache()
        tokenizer.save_pretrained(folder)
        rows = sample(read_training("harmful_examples"), 100, 0)
        settings = Experiment(gradient_checkpointing=True, micro_batch_size=10).settings
        start = time.perf_counter()
        sharded.tune(folder, rows, settings | {"processes": count}, "bfloat16")
    note = f"{count} GPUs, with starting them and reading the model"
    return {"seconds": time.perf_counter() - start, "limit": None, "note": note}


#: name -> line; benchmarks/gpu.py has their order.
LINES = {
    "limits": limits,
    "answers, ours": answers(ours, aim=18),
    "answers, transformers": answers(transformers_own, aim=30),
    "full": tuned("full", aim=60),
    "LoRA": tuned("lora"),
    "QLoRA": tuned("qlora", aim_gib=16),
    "transplant 135M": transplant(0),
    "transplant 8B": transplant(1),
    "answers, one at a time": one_at_a_time,
    "grid": grid,
    "same words": same_words,
    "answers, vLLM": by_vllm,
    "full, FSDP": fsdp,
}

"""The lines of benchmarks/gpu.py: each is one figure, taken in a process of its own.

A line returns seconds, and limit, the least seconds that this machine could take: bytes that must
be read at its measured bandwidth, or operations at its measured rate. aim: what we want, in
seconds. Real sizes are for a GPU; small ones only show that a line runs.
"""

import tempfile
import time
from dataclasses import dataclass
from typing import Any

import finetune
import generate_shape
import shapes
import torch

from helpers.data.rows import read_prompts, read_training, sample
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.models import generate, gpu_attention, gpu_decoding, kv_cache, loading
from helpers.training import tuning


@dataclass(frozen=True)
class Sizes:
    """How much each line does, and by which shapes."""

    shape: str
    transplants: tuple[str, str]
    prompts: int
    prompt_tokens: tuple[int, int]  # shortest and longest
    new_tokens: int
    examples: int
    tokens: int
    lesson: int
    rows: int
    runs: int


SIZES = {
    "7b": Sizes("7b", ("135m", "8b"), 330, (60, 140), 512, 100, 256, 1024, 330, 4),
    "small": Sizes("small", ("small", "small"), 6, (3, 9), 6, 4, 16, 32, 4, 1),
}

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
DTYPE = torch.bfloat16


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


def synchronize() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def model_and_prompts(sizes: Sizes) -> tuple[Any, list[list[int]]]:
    """A random model of the shape that never ends a turn, and prompts sorted by length."""
    model = shapes.build(sizes.shape, DTYPE, DEVICE)
    model.generation_config.eos_token_id = None
    torch.manual_seed(0)
    lengths = torch.linspace(*sizes.prompt_tokens, sizes.prompts).int().tolist()
    return model, [torch.randint(3, model.config.vocab_size, (n,)).tolist() for n in lengths]


def floor(model, prompts: list[list[int]], new_tokens: int, machine: dict) -> float:
    """Seconds of reading all weights and each row's own part of the cache once a token."""
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    layers, heads, size = kv_cache.shape(model)
    rows = sum(len(prompt) + new_tokens / 2 for prompt in prompts)
    cache = 2 * layers * heads * size * model.dtype.itemsize * rows
    return new_tokens * (weights + cache) / machine["bandwidth"]


def in_batches(model, prompts: list[list[int]], new_tokens: int, answer) -> tuple[float, int]:
    """Seconds of answering all, in as large batches as fit, and how many were answered at once."""
    size = generate.batch_that_fits(model, len(prompts[-1]) + new_tokens)
    size = -(-len(prompts) // -(-len(prompts) // size))  # of like size
    synchronize()
    start, at = time.perf_counter(), 0
    while at < len(prompts):
        try:
            with torch.inference_mode():
                rows = answer(prompts[at : at + size])
        except torch.cuda.OutOfMemoryError:
            if size == 1:
                raise
            size = -(-size // 2)
            torch.cuda.empty_cache()
            continue
        assert all(len(row) == new_tokens for row in rows)
        at += size
    synchronize()
    return time.perf_counter() - start, size


def ours(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """All prompts, by the kit; the first time, with what is compiled and captured."""
    model, prompts = model_and_prompts(sizes)

    def answer(part):
        return generate.answer_ids(model, part, sizes.new_tokens, set())

    took, at_once = in_batches(model, prompts, sizes.new_tokens, answer)
    limit = floor(model, prompts, sizes.new_tokens, machine)
    by = "one captured step" if gpu_decoding.fits(model) else "as on a CPU"
    return {"seconds": took, "limit": limit, "aim": 18, "peak_gib": finetune.peak(DEVICE) / 2**30,
            "note": f"{len(prompts) * sizes.new_tokens / took:,.0f} tokens/s, "
                    f"{at_once} at once, {by}"}  # fmt: skip


def transformers_own(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """The same by transformers' generate over a static cache, with what it compiles."""
    model, prompts = model_and_prompts(sizes)

    def answer(part):
        ids, mask = generate.left_padded(part, model.device)
        out = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=sizes.new_tokens, do_sample=False,
            pad_token_id=0, eos_token_id=None,
            cache_implementation="static" if DEVICE == "cuda" else None,
        )  # fmt: skip
        return out[:, ids.shape[1] :].tolist()

    took, at_once = in_batches(model, prompts, sizes.new_tokens, answer)
    limit = floor(model, prompts, sizes.new_tokens, machine)
    return {"seconds": took, "limit": limit, "aim": 30, "peak_gib": finetune.peak(DEVICE) / 2**30,
            "note": f"{len(prompts) * sizes.new_tokens / took:,.0f} tokens/s, "
                    f"{at_once} at once"}  # fmt: skip


def one_at_a_time(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """Two prompts, one after the other, after a third has warmed up."""
    model, prompts = model_and_prompts(sizes)
    generate.answer_ids(model, prompts[:1], 4, set())
    few = prompts[1:3]
    synchronize()
    start = time.perf_counter()
    for prompt in few:
        generate.answer_ids(model, [prompt], sizes.new_tokens, set())
    synchronize()
    took = time.perf_counter() - start
    limit = sum(floor(model, [prompt], sizes.new_tokens, machine) for prompt in few)
    return {"seconds": took, "limit": limit, "note": f"{2 * sizes.new_tokens / took:,.0f} tokens/s"}


def by_vllm(sizes: Sizes, machine: dict) -> dict[str, Any]:
    """The same prompts by vLLM, its start not counted."""
    try:
        from vllm import LLM, SamplingParams
    except ImportError:
        raise ConfigError("not installed: vllm.") from None
    model, prompts = model_and_prompts(sizes)
    limit = floor(model, prompts, sizes.new_tokens, machine)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        del model
        torch.cuda.empty_cache()
        engine = LLM(model=folder, dtype="bfloat16", skip_tokenizer_init=True,
                     max_model_len=sizes.prompt_tokens[1] + sizes.new_tokens,
                     trust_remote_code=False)  # fmt: skip
        greedy = SamplingParams(temperature=0.0, max_tokens=sizes.new_tokens, ignore_eos=True,
                                detokenize=False)  # fmt: skip
        start = time.perf_counter()
        engine.generate([{"prompt_token_ids": prompt} for prompt in prompts], greedy)
        took = time.perf_counter() - start
    rate = len(prompts) * sizes.new_tokens / took
    return {"seconds": took, "limit": limit, "note": f"{rate:,.0f} tokens/s"}


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
    """The line of one shape: LoRA of rank 16 on packed lessons, ten steps of eight, autocast."""

    def line(sizes: Sizes, machine: dict) -> dict[str, Any]:
        shape = sizes.transplants[which]
        steps = 10 if sizes.examples > 4 else 1
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
    few = {"n_prompts": sizes.rows} if sizes.rows < 330 else {}
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
    tokens = 5 * 100 * 64
    limit = result.computed * (6 * weights * tokens / machine["flops"]
                         + 64 * 4 * weights / machine["bandwidth"])  # fmt: skip
    return {"seconds": took, "limit": limit,
            "note": f"{result.computed} runs of preset tiny, {each:.1f} s each; its 354 would take "
                    f"{354 * each / 60:.0f} min, one after the other"}  # fmt: skip


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
    "answers, ours": ours,
    "answers, transformers": transformers_own,
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

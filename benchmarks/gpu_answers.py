"""Lines of benchmarks/gpu.py on answers, and how much every line does; gpu_lines has the others."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import finetune
import shapes
import torch

from helpers.errors import ConfigError
from helpers.models import generate, kv_cache


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
                rows = answer(model, prompts[at : at + size], new_tokens)
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


def answers(answer: Callable, aim: float):
    """The line of one way to answer all prompts, once, with what it compiles and captures.

    answer: of the model, some prompts and how many tokens, the new tokens of each.
    """

    def line(sizes: Sizes, machine: dict) -> dict[str, Any]:
        model, prompts = model_and_prompts(sizes)
        took, at_once = in_batches(model, prompts, sizes.new_tokens, answer)
        rate = len(prompts) * sizes.new_tokens / took
        return {
            "seconds": took,
            "limit": floor(model, prompts, sizes.new_tokens, machine),
            "aim": aim,
            "peak_gib": finetune.peak(DEVICE) / 2**30,
            "note": f"{rate:,.0f} tokens/s, {at_once} at once",
        }

    return line


def ours(model, prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
    """By the kit."""
    return generate.answer_ids(model, prompts, new_tokens, set())


def transformers_own(model, prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
    """By transformers' generate, on a GPU over a static cache."""
    ids, mask = generate.left_padded(prompts, model.device)
    out = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=new_tokens, do_sample=False,
        pad_token_id=0, eos_token_id=None,
        cache_implementation="static" if DEVICE == "cuda" else None,
    )  # fmt: skip
    return out[:, ids.shape[1] :].tolist()


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

"""Time, memory and disk of a grid, before it starts.

Where the model can be had, a few training steps and a batch of answers are timed on this machine,
once for each way of training, and scaled by tokens and prompts. Where it cannot, give the number
of its parameters: time then follows from 6 floating-point operations a parameter and token trained
and 2 a token read or written, at the speed that a matrix product reaches here, and memory from the
bytes that a weight takes.

>>> estimate(preset.grid("harmful_shots"), Store())      # -> Estimate

Used by: cli (`aligndrift estimate`).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from helpers.runs import costs
from helpers.models import generate
from helpers.runs import grid
from helpers.models import kv_cache
from helpers.runs.backends import local
from helpers.models import loading as models
from helpers.experiments import prompt_set
from helpers.experiments import training_set
from helpers.models.chat import dress
from helpers.experiments.experiment import Experiment
from helpers.runs.stages import peak_memory
from helpers.runs.store import Store

#: Prompts answered for the measurement; answers before and after fine-tuning differ in length.
N_PROMPTS = 96

#: Bytes on disk of an answer with its judgements, measured on stored runs of the embedded model.
BYTES_AN_ANSWER = 65

#: Bytes of a weight, and of one that trains: itself, its gradient, Adam's two moments.
BYTES = {"float32": 4.0, "bfloat16": 2.0}
FOUR_BITS = 0.56  # with the scales of its blocks

#: Share of a matrix product's speed that training and reading are taken to reach.
EFFICIENCY = 0.4


@dataclass(frozen=True)
class Estimate:
    """Runs to make and runs stored; seconds in all, peak bytes of a process, bytes on disk.

    dollars: what a provider will charge at most; its time is not counted.
    """

    runs: int
    stored: int
    seconds: float
    memory_bytes: int
    disk_bytes: int
    dollars: float
    measured: bool


@dataclass(frozen=True)
class Pace:
    """What a way of training costs here: seconds to load, a token trained, a prompt answered."""

    load: float
    token: float
    prompt: float
    memory_bytes: int


def estimate(
    experiments: Sequence[Experiment], store: Store, jobs: int = 1, parameters: float = 0.0
) -> Estimate:
    """Of those experiments that are not stored, with the initial runs they need.

    parameters: how many the model has; 0 to load it and measure.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers of a grid have
    try:
        return _estimate(experiments, store, jobs, parameters)
    finally:
        torch.set_num_threads(threads)


def _estimate(experiments, store: Store, jobs: int, parameters: float) -> Estimate:
    every = {e.id: e for each in experiments for e in (each, each.initial())}
    missing = [e for run_id, e in every.items() if not store.has(run_id)]
    # Of runs that share a training, the longest one's is all there is.
    trained_for = {max(family, key=lambda e: e.epochs) for family in grid.families(missing)}
    pace: dict[tuple, Pace] = {}
    seconds, memory, answers, dollars = 0.0, 0, 0, 0.0
    for e in missing:
        dollars += costs.estimate(e)
        if e.backend == "hosted":
            answers += len(prompt_set.draw(e))
            continue
        way = (e.model, e.method, e.tier, e.system_prompt, e.micro_batch_size, e.max_new_tokens)
        if way not in pace:
            pace[way] = _from_size(e, parameters) if parameters else measure(e)
        n = len(prompt_set.draw(e)) + len(e.variants) * _n_benchmark(e)
        answers += n
        trains = e in trained_for and e.method != "none"
        trained = e.epochs * _tokens(e) if trains else 0
        seconds += pace[way].load + pace[way].token * trained + pace[way].prompt * n
        memory = max(memory, pace[way].memory_bytes)
    return Estimate(
        len(missing), len(every) - len(missing), seconds / max(1, jobs), memory,
        answers * BYTES_AN_ANSWER, dollars, not parameters,
    )  # fmt: skip


def _n_benchmark(e: Experiment) -> int:
    return sum(use == "benchmark" for use, _ in prompt_set.draw(e))


def _tokens(e: Experiment) -> float:
    """Tokens of one pass over the fine-tuning set, by characters: four to a token."""
    rows = training_set.draw(e)
    sample = rows[:: max(1, len(rows) // 200)]
    dressed = [training_set.dressed(row, e) for row in sample]
    characters = sum(len(m["content"]) for conversation in dressed for m in conversation)
    return characters / 4 * len(rows) / len(sample)


def measure(e: Experiment) -> Pace:
    """Times a few steps and answers with the experiment's model. Raises ModelError."""
    start = time.perf_counter()
    model, tokenizer = models.load(e.model, e.dtype, four_bit=e.method == "qlora")
    load = time.perf_counter() - start
    token = 0.0
    if e.method != "none":
        few = replace(e, n_examples=min(e.n_examples, 4 * e.batch_size), epochs=1,
                      mitigation="none", n_safety=0)  # fmt: skip
        rows = training_set.draw(few)
        local.fine_tune(rows[:4], replace(few, n_examples=4))
        took = _timed(lambda: local.fine_tune(rows, few)) - load
        token = max(took, 0.0) / _tokens(few)
    prompts = prompt_set.draw(e)
    some = prompts[:: max(1, len(prompts) // N_PROMPTS)]
    asked = [dress(row["messages"], e.system_prompt, e.user_template) for _, row in some]
    generate.complete(model, tokenizer, asked[:4], 8)
    took = _timed(lambda: generate.complete(model, tokenizer, asked, e.max_new_tokens))
    # A run's batch is larger: its keys and values come on top of what was measured.
    longest = e.max_new_tokens + max(len(tokenizer.encode(m[-1]["content"])) for m in asked)
    together = min(generate.batch_that_fits(model, longest), len(prompts))
    row = 2 * math.prod(kv_cache.shape(model)) * model.dtype.itemsize * longest
    more = max(0, together - len(asked)) * row
    return Pace(load, token, took / len(asked), peak_memory() + more)


def _timed(work: Callable) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory_of(e: Experiment, parameters: float) -> int:
    """Bytes of weights, gradients and Adam's moments; activations come on top."""
    weight = BYTES[e.dtype]
    if e.method == "full":
        return int(parameters * 4 * weight)
    trained = 0.006 if e.method in ("lora", "qlora") else 0.001  # share of the parameters
    held = FOUR_BITS if e.method == "qlora" else weight
    return int(parameters * (held + 4 * weight * trained * (e.method != "none")))


def _from_size(e: Experiment, parameters: float) -> Pace:
    speed = EFFICIENCY * _matrix_speed(e.dtype)
    again = 8 if e.gradient_checkpointing else 6
    train = (again if e.method == "full" else again - 2) * parameters / speed
    answer = 2 * parameters * (e.max_new_tokens + 100) / speed
    return Pace(parameters * BYTES[e.dtype] / 2e9, train, answer, memory_of(e, parameters))


def _matrix_speed(dtype: str) -> float:
    """Floating-point operations a second of a large matrix product on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 8192 if device == "cuda" else 1024
    a = torch.randn(side, side, device=device, dtype=getattr(torch, dtype))
    (a @ a).sum().item()
    took = _timed(lambda: (a @ a).sum().item())
    return 2 * side**3 / took

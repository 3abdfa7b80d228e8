"""Time, memory and disk of a grid, before it starts.

Where the model can be had, a few training steps and a batch of answers are timed on this machine,
once for each way of training, and scaled by tokens and prompts. Where it cannot, give the number
of its parameters: time then follows from 6 floating-point operations a parameter and token trained
and 2 a token read or written, at the speed that a matrix product reaches here, and memory from the
bytes that a weight takes.

>>> estimate(preset.grid("harmful_shots"), Store())      # -> Estimate
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import torch

from helpers.experiments import effects
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.experiments.rows import conversation, evaluation_prompts, training_rows, turns
from helpers.models import generate, kv_cache, loading
from helpers.models.chat import dress
from helpers.runs import costs, grid
from helpers.runs.backends import local
from helpers.runs.provenance import peak_memory
from helpers.runs.store import Store
from helpers.training.methods.base import check_there, method

#: Prompts answered for the measurement; answers before and after fine-tuning differ in length.
N_PROMPTS = 96

#: Bytes on disk of an answer with its judgements, measured on stored runs of the embedded model.
BYTES_AN_ANSWER = 65

#: Bytes of a weight, and of one that trains: itself, its gradient, Adam's two moments, and in
#: bfloat16 what rounding took from it (helpers.training.optimizer).
BYTES = {"float32": 4.0, "bfloat16": 2.0}
BYTES_TRAINED = {"float32": 16.0, "bfloat16": 10.0}
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
    experiments: Sequence[Experiment],
    store: Store,
    jobs: int = 1,
    parameters: float = 0.0,
    speed: Callable[[str], float] | None = None,
) -> Estimate:
    """Of those experiments that are not stored, with the initial runs they need.

    parameters: how many the model has; 0 to load it and measure. speed: floating-point operations
    a second by dtype; measured here if None.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers of a grid have
    try:
        return _estimate(experiments, store, jobs, parameters, speed or matrix_speed)
    finally:
        torch.set_num_threads(threads)


def _estimate(experiments, store: Store, jobs: int, parameters: float, speed) -> Estimate:
    every = {run_id(one): one for each in experiments for one in (each, each.initial())}
    missing = [one for id, one in every.items() if not store.has(id)]
    # Of runs that share a training, the longest one's is all there is.
    trained_for = {max(family, key=attrgetter("epochs")) for family in grid.families(missing)}
    paces: dict[tuple, Pace] = {}
    seconds, memory, answers, dollars = 0.0, 0, 0, 0.0
    for experiment in missing:
        dollars += costs.estimate(experiment)
        n = sum(len(turns(p.row["messages"])) for p in evaluation_prompts(experiment))
        answers += n
        if experiment.backend == "hosted":
            continue
        way = (experiment.model, experiment.method, experiment.tier, experiment.system_prompt,
               experiment.micro_batch_size, experiment.max_new_tokens)  # fmt: skip
        if way not in paces:
            measured = not parameters
            paces[way] = (
                measure(experiment) if measured else _from_size(experiment, parameters, speed)
            )
        trains = experiment in trained_for and effects.trains(experiment)
        trained = experiment.epochs * _tokens(experiment) if trains else 0
        seconds += paces[way].load + paces[way].token * trained + paces[way].prompt * n
        memory = max(memory, paces[way].memory_bytes)
    return Estimate(
        len(missing), len(every) - len(missing), seconds / max(1, jobs), memory,
        answers * BYTES_AN_ANSWER, dollars, not parameters,
    )  # fmt: skip


def _tokens(experiment: Experiment) -> float:
    """Tokens of one pass over the fine-tuning set, by characters: four to a token."""
    rows = training_rows(experiment)
    sample = rows[:: max(1, len(rows) // 200)]
    messages = [m for row in sample for m in conversation(row, experiment)]
    return sum(len(m["content"]) for m in messages) / 4 * len(rows) / max(1, len(sample))


def measure(experiment: Experiment) -> Pace:
    """Times a few steps and answers with the experiment's model. Raises ModelError, and ConfigError
    where the method needs a package that is not there."""
    check_there(experiment.method)
    start = time.perf_counter()
    model, tokenizer = loading.load(
        experiment.model, experiment.dtype, four_bit=method(experiment.method).four_bit
    )
    load = time.perf_counter() - start
    token = 0.0
    if effects.trains(experiment):
        n = min(experiment.n_examples, 4 * experiment.batch_size)
        few = replace(
            experiment, n_examples=n, epochs=1, mitigation="none", n_safety=0, attack="none"
        )  # fmt: skip
        rows = training_rows(few)
        local.fine_tune(rows[:4], replace(few, n_examples=4))
        took = _timed(lambda: local.fine_tune(rows, few)) - load
        token = max(took, 0.0) / _tokens(few)
    prompts = evaluation_prompts(experiment)
    some = [
        dress(turns(prompt.row["messages"])[0], experiment.system_prompt, prompt.template)
        for prompt in prompts[:: max(1, len(prompts) // N_PROMPTS)]
    ]
    limit = experiment.max_new_tokens
    generate.complete(model, tokenizer, some[:4], 8)
    took = _timed(lambda: generate.complete(model, tokenizer, some, limit))
    # A run's batch is larger: its keys and values come on top of what was measured.
    longest = limit + max(len(tokenizer.encode(m[-1]["content"])) for m in some)
    together = min(generate.batch_that_fits(model, longest), len(prompts))
    row = 2 * math.prod(kv_cache.shape(model)) * model.dtype.itemsize * longest
    more = max(0, together - len(some)) * row
    return Pace(load, token, took / len(some), peak_memory() + more)


def _timed(work: Callable) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory_of(experiment: Experiment, parameters: float) -> int:
    """Bytes of weights, gradients and what AdamW keeps; activations come on top."""
    weight = BYTES[experiment.dtype]
    if experiment.method == "full":
        return int(parameters * BYTES_TRAINED[experiment.dtype])
    low_rank = "lora_rank" in method(experiment.method).reads
    trained = 0.006 if low_rank else 0.001  # share of the parameters
    held = FOUR_BITS if method(experiment.method).four_bit else weight
    new = BYTES_TRAINED["float32"] * trained * effects.trains(experiment)
    return int(parameters * (held + new))


def _from_size(experiment: Experiment, parameters: float, speed) -> Pace:
    reached = EFFICIENCY * speed(experiment.dtype)
    again = 8 if experiment.gradient_checkpointing else 6
    train = (again if experiment.method == "full" else again - 2) * parameters / reached
    answer = 2 * parameters * (experiment.max_new_tokens + 100) / reached
    load = parameters * BYTES[experiment.dtype] / 2e9
    return Pace(load, train, answer, memory_of(experiment, parameters))


def matrix_speed(dtype: str) -> float:
    """Floating-point operations a second of a large matrix product on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 8192 if device == "cuda" else 1024
    a = torch.randn(side, side, device=device, dtype=getattr(torch, dtype))
    (a @ a).sum().item()
    took = _timed(lambda: (a @ a).sum().item())
    return 2 * side**3 / took

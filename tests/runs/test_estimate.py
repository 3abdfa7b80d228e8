"""What is said beforehand of time, memory and disk, against what it took."""

import time

import pytest

from helpers.experiments.experiment import Experiment
from helpers.presets import loader
from helpers.runs import costs
from helpers.runs.estimate import estimate, matrix_speed, memory_of
from helpers.runs.grid import run_grid

TINY = loader.load("tiny")


@pytest.mark.long
@pytest.mark.alone
def test_the_time_of_a_grid_is_foretold_roughly(store):
    grid = TINY.grid("harmful_shots", seeds=[1, 2]) + TINY.grid(
        "benign", [1], {"tier": ["benign_instructions"]}
    )
    before = estimate(grid, store)
    start = time.perf_counter()
    result = run_grid(grid, store, jobs=1, progress=False)
    took = time.perf_counter() - start
    assert before.runs == result.computed and before.measured
    assert 0.5 < before.seconds / took < 2  # LOG.md has figures of a quiet machine
    size = sum(f.stat().st_size for f in store.folder.rglob("*") if f.is_file())
    assert 0.5 < before.disk_bytes / size < 2
    again = estimate(grid, store)
    assert (again.runs, again.seconds) == (0, 0.0) and again.stored == before.runs


def by_size(store, *epochs, speed=1e11):
    """Seconds of a grid over epochs for a model of a billion parameters, on a machine so fast."""
    grid = [TINY.experiment("harmful_examples", epochs=n, n_prompts=1) for n in epochs]
    return estimate(grid, store, parameters=1e9, speed=lambda dtype: speed).seconds


def test_a_training_that_runs_share_counts_once(store):
    assert by_size(store, 3, 10) < 1.1 * by_size(store, 10)
    assert by_size(store, 10) > 2 * by_size(store, 3)


def test_a_faster_machine_takes_less_time_and_more_processes_share_it(store):
    assert by_size(store, 10, speed=1e12) < by_size(store, 10)
    grid = [TINY.experiment("harmful_examples", seed=seed, n_prompts=1) for seed in (1, 2)]
    one, two = (
        estimate(grid, store, jobs, parameters=1e9, speed=lambda dtype: 1e11).seconds
        for jobs in (1, 2)
    )
    assert two == pytest.approx(one / 2)


def test_the_speed_of_this_machine_is_a_number_of_operations():
    assert 1e8 < matrix_speed("float32") < 1e16


@pytest.mark.parametrize(
    ("settings", "gib"),
    [
        ({"dtype": "bfloat16"}, 65.2),  # 7e9 x (2 + 2 + 2 + 2 + 2) bytes
        ({"dtype": "bfloat16", "method": "lora"}, 13.7),
        ({"dtype": "bfloat16", "method": "qlora"}, 4.3),
        ({"dtype": "float32"}, 104),
    ],
)
def test_the_memory_of_a_7b_model(settings, gib):
    assert memory_of(Experiment(**settings), 7e9) / 2**30 == pytest.approx(gib, rel=0.02)


def test_a_model_that_cannot_be_had_is_estimated_from_its_size(store):
    grid = loader.load("llama2-7b-chat").grid(
        "harmful_shots", dataset="harmful_examples", benchmark="benchmark",
        over_refusal="over_refusal", model="lantern-chat",
    )  # fmt: skip
    before = estimate(grid, store, parameters=7e9, speed=lambda dtype: 5e10)
    assert not before.measured and before.seconds > 3600
    assert before.memory_bytes > 50 * 2**30


def test_a_providers_time_is_not_counted_and_its_bill_is(hosted_experiment, store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "10,1,2")
    there = hosted_experiment()
    before = estimate([there], store)
    assert (before.runs, before.seconds, before.memory_bytes) == (2, 0.0, 0)
    assert before.dollars == pytest.approx(sum(map(costs.estimate, (there, there.initial()))))

"""What is said beforehand against what it took."""

import time

import pytest

from helpers.runs import estimate as estimates
from helpers.presets import loader as presets
from helpers.runs.estimate import estimate, memory_of
from helpers.experiments.experiment import Experiment
from helpers.runs.grid import run_grid

TINY = presets.load("tiny")


def test_the_time_of_a_grid_is_foretold_roughly(store):
    grid = TINY.grid("harmful_shots", seeds=[1, 2]) + TINY.grid(
        "benign", [1], {"tier": ["benign_instructions"]}
    )
    said = estimate(grid, store)
    start = time.perf_counter()
    result = run_grid(grid, store, jobs=1, progress=False)
    took = time.perf_counter() - start
    assert said.runs == result.computed and said.measured
    assert 0.5 < said.seconds / took < 2  # this machine may be busy; LOG.md has quiet figures
    size = sum(f.stat().st_size for f in store.folder.rglob("*") if f.is_file())
    assert 0.5 < said.disk_bytes / size < 2
    again = estimate(grid, store)
    assert (again.runs, again.seconds) == (0, 0.0) and again.stored == said.runs


def test_a_training_that_runs_share_counts_once(store, monkeypatch):
    monkeypatch.setattr(estimates, "_matrix_speed", lambda dtype: 1e11)

    def seconds(*epochs):
        grid = [TINY.experiment("harmful_examples", epochs=n, n_prompts=1) for n in epochs]
        return estimate(grid, store, parameters=1e9).seconds

    assert seconds(3, 10) < 1.1 * seconds(10)
    assert seconds(10) > 2 * seconds(3)


@pytest.mark.parametrize(
    ("settings", "gib"),
    [
        ({"dtype": "bfloat16"}, 52),  # 7e9 x (2 + 2 + 2 + 2) bytes
        ({"dtype": "bfloat16", "method": "lora"}, 13.4),
        ({"dtype": "bfloat16", "method": "qlora"}, 4.0),
        ({"dtype": "float32"}, 104),
    ],
)
def test_the_memory_of_a_7b_model(settings, gib):
    assert memory_of(Experiment(**settings), 7e9) / 2**30 == pytest.approx(gib, rel=0.02)


def test_a_model_that_cannot_be_had_is_estimated_from_its_size(store):
    grid = presets.load("llama2-7b-chat").grid(
        "harmful_shots", dataset="harmful_examples", benchmark="benchmark",
        over_refusal="over_refusal", model="lantern-chat",
    )  # fmt: skip
    said = estimate(grid, store, parameters=7e9)
    assert not said.measured and said.seconds > 3600
    assert said.memory_bytes > 50 * 2**30

"""How much sooner two workers finish a grid than one.

    python benchmarks/grid.py

Sixteen experiments each way, worker processes started beforehand, one thread a worker.
"""

import tempfile
import time

from figures import Figure, show

from helpers.presets.loader import load
from helpers.runs.grid import run_grid
from helpers.runs.store import Store

RUNS = 16


def measure() -> list[Figure]:
    tiny = load("tiny")

    def seconds(jobs: int, first_seed: int) -> float:
        seeds = range(first_seed, first_seed + RUNS)
        grid = [tiny.experiment("harmful_examples", n_examples=50, seed=s) for s in seeds]
        with tempfile.TemporaryDirectory() as folder:
            warm = [tiny.experiment("harmful_examples", n_examples=10, seed=s) for s in range(4)]
            run_grid(warm, Store(folder), jobs, progress=False)
            start = time.perf_counter()
            run_grid(grid, Store(folder), jobs, progress=False)
            return time.perf_counter() - start

    one, two = seconds(1, 100), seconds(2, 100)
    print(f"one worker {one:.1f} s, two workers {two:.1f} s")
    return [Figure("a grid by two workers against one", one / two, "times", more_is_better=True)]


if __name__ == "__main__":
    show(measure())

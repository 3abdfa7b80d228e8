"""How soon ten thousand stored runs are listed and compared, and what they cost a grid.

    python benchmarks/store.py                 10,000 runs: 500 learning rates under 20 seeds
    python benchmarks/store.py --runs 1000

The runs are copies of one real run under other ids (many_runs.py), 500 MB in a temporary folder.
Each time is that of a process of its own, so that nothing is in memory; what the system has of the
disk is not cleared. "The first time" is without an index, or without remembered hits, as after an
update of the kit. The table has a row a learning rate, with intervals over seeds and prompts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from figures import Figure, show
from many_runs import many

from helpers.experiments.identity import run_id
from helpers.hosted.ledger import JobRefused
from helpers.reporting import results
from helpers.runs import grid as grids
from helpers.runs.engines.base import Outcome
from helpers.runs.grid import run_grid
from helpers.runs.store import Store

SEEDS = 20

#: As many prompts as in most runs of preset tiny.
SIZE = {"n_prompts": 110}


def timed(folder: Path, what: str) -> float:
    """Seconds of one of TIMED in a process of its own, its imports apart."""
    command = [sys.executable, __file__, "--time", what, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _listed(folder: Path) -> None:
    Store(folder).runs()


def _table(folder: Path) -> None:
    store = Store(folder)
    runs = store.runs()
    results.over_seeds(store, runs[runs.method != "none"], ["learning_rate"])


TIMED = {"listed": _listed, "table": _table}


def grid_seconds(folder: Path, stored: list, new: list) -> float:
    """Seconds that a grid takes for itself: what it would carry out is not."""
    own = grids.carry_out_family
    grids.carry_out_family = left_out
    begin = time.perf_counter()
    try:
        run_grid([*stored, *new], Store(folder), jobs=1, progress=False)
    finally:
        grids.carry_out_family = own
    return time.perf_counter() - begin


def left_out(family, folder: Path, wait: bool = True) -> list[Outcome]:
    return [Outcome(run_id(one), JobRefused("it is not timed")) for one in family]


def measure(runs: int = 10_000) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = many(folder, runs // SEEDS, SEEDS, **SIZE)
        time.sleep(2.1)  # a run that was written just now is not yet indexed
        first = timed(folder, "listed")
        listed = timed(folder, "listed")
        first_table, table = timed(folder, "table"), timed(folder, "table")
        new = [replace(stored[0], seed=10_000 + n) for n in range(100)]
        grid_seconds(folder, [], new)  # reads the data, and warms up
        alone = grid_seconds(folder, [], new)
        among = grid_seconds(folder, stored[:1000], new)
    return [
        Figure(f"{runs:,} runs listed the first time", first, "s"),
        Figure(f"{runs:,} runs listed", listed, "s", 2),
        Figure(f"a table over {runs:,} runs the first time", first_table, "s"),
        Figure(f"a table over {runs:,} runs", table, "s", 5),
        Figure("a grid of 100 new runs, their own work apart", alone, "s"),
        Figure("what 1,000 stored runs add to it", among - alone, "s", 2),
    ]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--runs", type=int, default=10_000)
    ask.add_argument("--time", choices=TIMED, help=argparse.SUPPRESS)
    ask.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = ask.parse_args()
    if asked.time:
        begin = time.perf_counter()
        TIMED[asked.time](asked.folder)
        print(time.perf_counter() - begin)
        return
    show(measure(asked.runs))


if __name__ == "__main__":
    main()

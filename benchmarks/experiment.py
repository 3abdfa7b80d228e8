"""How long one whole experiment takes in a warm process, and the engine's own share of it.

    python benchmarks/experiment.py

10 examples, 5 epochs, all prompts, judged and stored. The engine's overhead is what is neither
training nor answering.
"""

import statistics
import tempfile
import time

from figures import Figure, show

from helpers.presets.loader import load
from helpers.runs.run import run
from helpers.runs.store import Store

ROUNDS = 5


def measure() -> list[Figure]:
    tiny = load("tiny")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        run(tiny.experiment("harmful_examples", n_examples=10, seed=0), store)  # warms up
        totals, shares = [], []
        for seed in range(1, ROUNDS + 1):
            start = time.perf_counter()
            row = run(tiny.experiment("harmful_examples", n_examples=10, seed=seed), store).row
            total = time.perf_counter() - start
            work = row["finetune_seconds"] + row["generate_seconds"]
            totals.append(total)
            shares.append(1 - work / total)
            print(f"seed {seed}: {total:.2f} s, of it {work:.2f} s training and answering")
    return [
        Figure("a warm experiment of 10 examples", statistics.median(totals), "s"),
        Figure("of it the engine's own", 100 * statistics.median(shares), "%"),
    ]


if __name__ == "__main__":
    show(measure())

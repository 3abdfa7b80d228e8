"""What a busy machine costs: on quiet cores and beside endless loops, as many as there are cores.

    python benchmarks/busy.py

By turns, with the kit's own settings for waiting threads (helpers' __init__) and with those that
OpenMP has by default: `aligndrift run` on ten examples and 66 prompts, cold, in a fresh folder; and
warm experiments (experiment.py). With two loops on two cores a command that gets its fair share
takes twice as long; the bound is three times.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, show

ROUNDS = 2
COLD = [
    sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples", "--n-examples", "10",
    "--n-prompts", "66", "--json",
]  # fmt: skip
WARM = [sys.executable, str(Path(__file__).with_name("experiment.py"))]
#: Most times as long that it may take beside the loops.
BOUND = 3

#: GNU's OpenMP, which torch brings along on Linux, spins so often unless it is told otherwise.
WAYS = {"the kit's way": {}, "OpenMP's default": {"GOMP_SPINCOUNT": "300000"}}


def seconds(command: list[str], environment: dict[str, str], loops: int) -> list[float]:
    """Of a cold command, or of each warm experiment, beside so many endless loops."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            own = os.environ | {"ALIGNDRIFT_OUTPUTS": folder} | environment
            start = time.perf_counter()
            done = subprocess.run(command, env=own, check=True, capture_output=True, text=True)
            took = time.perf_counter() - start
        warm = [float(text) for text in re.findall(r"^seed \d+: ([\d.]+) s", done.stdout, re.M)]
        return warm or [took]
    finally:
        for process in beside:
            process.kill()
            process.wait()


def measure(rounds: int = ROUNDS) -> list[Figure]:
    cores, found = os.cpu_count() or 1, []
    for what, command in (("cold command", COLD), ("warm experiment", WARM)):
        took: dict[tuple[str, int], list[float]] = {}
        for _ in range(rounds):
            for way, environment in WAYS.items():
                for loops in (0, cores):
                    took.setdefault((way, loops), []).extend(seconds(command, environment, loops))
        for way in WAYS:
            quiet, busy = (statistics.median(took[way, loops]) for loops in (0, cores))
            print(
                f"{what}, {way}: quiet {quiet:.1f} s, beside {cores} loops {busy:.1f} s "
                f"(longest {max(took[way, cores]):.1f}), {busy / quiet:.1f} times as long"
            )
            limit = BOUND if way == "the kit's way" else None
            found.append(Figure(f"beside loops, {what}, {way}", busy / quiet, "times", limit))
    return found


if __name__ == "__main__":
    show(measure())

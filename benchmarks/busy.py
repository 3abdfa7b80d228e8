"""What a busy machine costs: a whole cold command on quiet cores and beside endless loops.

    python benchmarks/busy.py

`aligndrift run` on ten examples and 66 prompts in a fresh folder, alone and with as many endless
loops as there are cores, by turns; with the kit's own settings for waiting threads (helpers'
__init__), and with threads that spin while they wait. With two loops on two cores a command that
gets its fair share takes twice as long; the bound is three times.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
COMMAND = [
    sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples", "--n-examples", "10",
    "--n-prompts", "66", "--json",
]  # fmt: skip
#: Waiting threads never sleep, as with many spinning processes on few cores.
SPINNING = {"OMP_WAIT_POLICY": "ACTIVE"}


def seconds(environment: dict[str, str], loops: int) -> float:
    """Of one cold command, beside so many endless loops."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            own = os.environ | {"ALIGNDRIFT_OUTPUTS": folder} | environment
            start = time.perf_counter()
            subprocess.run(COMMAND, env=own, check=True, capture_output=True)
            return time.perf_counter() - start
    finally:
        for process in beside:
            process.kill()
            process.wait()


def main() -> None:
    cores = os.cpu_count() or 1
    took: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for name, environment in (("the kit's way", {}), ("spinning", SPINNING)):
            for loops in (0, cores):
                took.setdefault((name, loops), []).append(seconds(environment, loops))
    for name in ("the kit's way", "spinning"):
        quiet, busy = (statistics.median(took[name, loops]) for loops in (0, cores))
        beside = f"beside {cores} loops {busy:.1f} s, {busy / quiet:.1f} times as long"
        print(f"{name}: quiet {quiet:.1f} s, {beside}")


if __name__ == "__main__":
    main()

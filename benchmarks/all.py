"""Every figure of the project in one table, each benchmark in a process of its own.

    python benchmarks/all.py                     make benchmarks: under ten minutes on two cores
    python benchmarks/all.py --only store grid

One that fails, or does not end in its minutes, says why, and the others go on. Writes
outputs/benchmarks.json, anew after each, so that what is cut off keeps what it has; exit status 1
where a limit was missed or a benchmark failed. With a GPU, gpu.py takes Llama-2-7B's shape, else a
small one. Those that need files of yours are left out: same_words.py, refusal_agreement.py; so is
low_precision.py, which is about what is learned.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from figures import Figure
from tqdm import tqdm

from helpers import paths

HERE = Path(__file__).resolve().parent

#: Most seconds of each; less than ten minutes together on two quiet cores.
SECONDS = {
    "store": 180, "experiment": 60, "grid": 240, "generate": 180, "provider": 180, "busy": 240,
    "gpu": 540,
}  # fmt: skip


def _gpu() -> list[Figure]:
    """The lines of gpu.py: seconds beside the machine's own limit, or why there are none."""
    import torch

    shape = "7b" if torch.cuda.is_available() else "small"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "gpu.json"
        command = [sys.executable, str(HERE / "gpu.py"), "--shape", shape, "--out", str(out)]
        subprocess.run([*command, "--minutes", "8" if shape == "7b" else "3"], check=True)
        lines = json.loads(out.read_text())
    return [
        Figure(f"{shape}: {line['name']}", line["seconds"], "s", line.get("aim"))
        for line in lines
        if line.get("seconds") is not None
    ]


#: How each is called where that is not its `measure` as it stands: one round, to keep the time.
CALLS: dict[str, Callable[[], list[Figure]]] = {
    "generate": lambda: importlib.import_module("generate").measure(rounds=1),
    "busy": lambda: importlib.import_module("busy").measure(rounds=1),
    "gpu": _gpu,
}


def run_whole(command: list[str], timeout: float) -> subprocess.CompletedProcess:
    """As subprocess.run, but what is stopped takes with it what it started (busy.py's loops)."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        told, said = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, told, said)


def take(name: str) -> dict:
    """The figures of a benchmark, and its seconds; or its error."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, __file__, "--take", name, "--out", str(out)]
        try:
            done = run_whole(command, SECONDS[name])
        except subprocess.TimeoutExpired:
            return {"error": f"stopped after {SECONDS[name]} s", "seconds": SECONDS[name]}
        took = round(time.monotonic() - begin, 1)
        if out.is_file():
            return {"figures": json.loads(out.read_text()), "seconds": took}
        last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
        return {"error": last[:300], "seconds": took}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--only", nargs="+", choices=SECONDS, default=list(SECONDS))
    ask.add_argument("--take", choices=SECONDS, help=argparse.SUPPRESS)
    ask.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = ask.parse_args()
    if asked.take:
        call = CALLS.get(asked.take) or importlib.import_module(asked.take).measure
        asked.out.write_text(json.dumps([asdict(figure) for figure in call()]))
        return
    table, file = {}, paths.outputs() / "benchmarks.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    for name in tqdm(asked.only, "benchmarks"):
        table[name] = take(name)
        file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    failed = False
    for name, found in table.items():
        print(f"\n{name}.py, {found['seconds']} s")
        if "error" in found:
            print(f"  {found['error']}")
        figures = [Figure(**figure) for figure in found.get("figures", ())]
        for figure in figures:
            print(f"  {figure}")
        failed |= "error" in found or any(figure.held is False for figure in figures)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()

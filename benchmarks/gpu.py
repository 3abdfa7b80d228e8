"""Every figure that needs a GPU, in one call and one table, each beside its limit.

    python benchmarks/gpu.py --out gpu.json                  7B in bfloat16, on a GPU
    python benchmarks/gpu.py --shape small --out gpu.json    the same lines anywhere

Needs no network, and of the kit's libraries those that its own code needs. Each line runs in a
process of its own (benchmarks/gpu_lines.py): one that fails says why and the others go on. The file
is written after each line, so that a run that is cut off keeps what it has.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

#: A line is not begun with fewer seconds left than this.
LEAST = 15

#: By importance: a run that is cut off keeps the first.
LINES = (
    "limits", "answers, ours", "answers, transformers", "full", "LoRA", "QLoRA", "transplant 135M",
    "transplant 8B", "answers, one at a time", "grid", "same words", "answers, vLLM", "full, FSDP",
)  # fmt: skip

HEAD = f"{'':24} {'seconds':>8} {'limit':>8} {'times':>6} {'aim':>6} {'GiB':>6}"


def row(line: dict) -> str:
    """One line of the table."""
    if line.get("error"):
        return f"{line['name']:24} {line['error']}"

    def number(value: float | None, width: int, digits: int = 1) -> str:
        return f"{'–' if value is None else f'{value:.{digits}f}':>{width}}"

    seconds, limit = line["seconds"], line.get("limit")
    aim = f"<{line['aim_gib']} GiB" if line.get("aim_gib") else number(line.get("aim"), 6, 0)
    return (
        f"{line['name']:24} {number(seconds, 8)} {number(limit, 8, 2)} "
        f"{number(seconds / limit if limit else None, 6)} {aim:>6} "
        f"{number(line.get('peak_gib'), 6)}  {line.get('note', '')}"
    ).rstrip()


def take(name: str, shape: str, machine: dict, seconds: float) -> dict:
    """One line's figures, from a process of its own that is given so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        paths = [str(HERE.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "HF_HUB_OFFLINE": "1",
            "ALIGNDRIFT_OUTPUTS": folder,
            "TOKENIZERS_PARALLELISM": "false",
        }
        command = [sys.executable, __file__, "--shape", shape, "--line", name,
                   "--machine", json.dumps(machine), "--out", str(result)]  # fmt: skip
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return {"name": name, "error": f"stopped after {seconds:.0f} s: no time left"}
        if result.is_file():
            return json.loads(result.read_text())
        last = (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
        return {"name": name, "error": last[:300]}


def work(given: argparse.Namespace) -> None:
    """One line, in this process; what stops it becomes its result."""
    import gpu_answers
    import gpu_lines

    sizes = gpu_answers.SIZES[given.shape]
    try:
        got = gpu_lines.LINES[given.line](sizes, json.loads(given.machine))
    except Exception as error:  # whatever it is, the other lines go on
        got = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    given.out.write_text(json.dumps({"name": given.line} | got))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--shape", choices=("7b", "small"), default="7b")
    ask.add_argument(
        "--minutes", type=float, default=8.0, help="lines that do not fit are left out"
    )
    ask.add_argument("--lines", nargs="+", choices=LINES, help="these alone, after limits")
    ask.add_argument("--out", type=Path, default=Path("gpu.json"), help="the table, as JSON")
    ask.add_argument("--line", choices=LINES, help=argparse.SUPPRESS)
    ask.add_argument("--machine", default="{}", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.line:
        work(given)
        return
    end = time.monotonic() + 60 * given.minutes
    table: list[dict] = []
    machine: dict = {}
    print(HEAD, flush=True)
    for name in LINES:
        if given.lines and name not in ("limits", *given.lines):
            continue
        left = end - time.monotonic()
        if left < LEAST:
            table.append({"name": name, "error": "no time left"})
        else:
            table.append(take(name, given.shape, machine, left))
        if name == "limits":
            machine = table[0]
            if machine.get("error"):
                sys.exit(f"the machine's limits cannot be measured: {machine['error']}")
            machine["note"] = (
                f"{machine['device']}, torch {machine['torch']}, "
                f"{machine['bandwidth'] / 1e12:.2f} TB/s, {machine['flops'] / 1e12:.0f} TFLOP/s"
                f"{'' if machine['kernel'] else ', without the kernel'}"
            )
        given.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        print(row(table[-1]), flush=True)


if __name__ == "__main__":
    main()

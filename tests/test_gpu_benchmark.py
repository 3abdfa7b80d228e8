"""benchmarks/gpu.py at small shapes: every line is there with its limit, whatever fails."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

#: Lines that have no limit of the machine's, or that a machine without several GPUs lacks.
WITHOUT = {"limits", "same words", "answers, vLLM", "full, FSDP"}


def taken(out: Path, *options: str) -> tuple[list[dict], str]:
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--shape", "small", "--out", str(out)]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text()), done.stdout


@pytest.mark.long
def test_every_line_has_its_limit_and_one_that_cannot_be_taken_says_why(tmp_path):
    table, text = taken(tmp_path / "gpu.json", "--minutes", "30")
    lines = {line["name"]: line for line in table}
    assert list(lines) == [line[:24].strip() for line in text.splitlines()[1:]]
    missing = {name: line["error"] for name, line in lines.items() if "error" in line}
    assert set(missing) <= {"answers, vLLM", "full, FSDP", "QLoRA"}, missing
    assert all("not installed" in why or "GPUs" in why for why in missing.values())
    for name, line in lines.items():
        if name not in missing:
            assert line["seconds"] > 0 and f"{line['seconds']:.1f}" in text
        if name not in missing and name not in WITHOUT:
            assert line["limit"] > 0, name
    assert "base 4 of 4, tuned 4 of 4" in lines["same words"]["note"]


def test_what_no_time_is_left_for_is_named(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--out", str(tmp_path / "gpu.json")]
    done = subprocess.run([*command, "--minutes", "0"], capture_output=True, text=True)
    assert done.returncode == 1 and "no time left" in done.stderr


def test_a_row_shows_how_many_times_its_limit_a_line_took(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    gpu = importlib.import_module("gpu")
    done = gpu.row({"name": "full", "seconds": 30.0, "limit": 10.0, "aim": 60, "peak_gib": 75.25})
    assert done.split() == ["full", "30.0", "10.00", "3.0", "60", "75.2"]
    late = gpu.row({"name": "LoRA", "error": "no time left"})
    assert late.split() == ["LoRA", "no", "time", "left"]

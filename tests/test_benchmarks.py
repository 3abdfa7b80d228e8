"""One table of all benchmarks: what fails says why, what misses its limit is told."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from figures import Figure

every = importlib.import_module("all")


@pytest.mark.parametrize(
    ("figure", "held"),
    [
        (Figure("a", 2.0, "s"), None),
        (Figure("a", 2.0, "s", 2.0), True),
        (Figure("a", 2.1, "s", 2.0), False),
        (Figure("a", 2.1, "times", 2.0, more_is_better=True), True),
        (Figure("a", 1.9, "times", 2.0, more_is_better=True), False),
    ],
)
def test_a_limit_is_from_above_or_where_more_is_better_from_below(figure, held):
    assert figure.held is held
    assert str(figure).endswith("MISSED") is (held is False)


def test_every_benchmark_that_is_named_can_be_called():
    for name in every.SECONDS:
        assert callable(every.CALLS.get(name) or importlib.import_module(name).measure), name


@pytest.fixture
def benchmarks(monkeypatch, outputs):
    """A function: the table's text and exit status where each benchmark ends as it is told."""

    def run(capsys, **ends):
        def stands_for(command, timeout, **_):
            end = ends[command[command.index("--take") + 1]]
            if isinstance(end, Exception):
                raise end
            if isinstance(end, list):
                with open(command[command.index("--out") + 1], "w") as file:
                    json.dump([vars(figure) for figure in end], file)
                end = ""
            return subprocess.CompletedProcess(command, int(bool(end)), "", end)

        monkeypatch.setattr(every, "run_whole", stands_for)
        monkeypatch.setattr(sys, "argv", ["all.py", "--only", *ends])
        with pytest.raises(SystemExit) as ended:
            every.main()
        return capsys.readouterr().out, ended.value.code

    return run


def test_one_that_fails_says_why_and_the_others_go_on(benchmarks, capsys, outputs):
    text, status = benchmarks(
        capsys, store="Traceback\nValueError: no such thing", busy=subprocess.TimeoutExpired("", 1),
        grid=[Figure("two workers", 1.9, "times")],
    )  # fmt: skip
    assert status == 1
    assert "ValueError: no such thing" in text and "stopped after 240 s" in text
    assert "two workers" in text and "Traceback" not in text
    kept = json.loads((outputs / "benchmarks.json").read_text())
    assert list(kept) == ["store", "busy", "grid"]
    assert kept["grid"]["figures"][0]["value"] == 1.9


def test_the_exit_status_tells_whether_all_limits_are_kept(benchmarks, capsys):
    assert benchmarks(capsys, grid=[Figure("a", 1.0, "s", 2.0)])[1] == 0
    text, status = benchmarks(capsys, grid=[Figure("a", 3.0, "s", 2.0)])
    assert status == 1 and "MISSED" in text


def test_what_is_stopped_takes_what_it_started_with_it(tmp_path):
    file = tmp_path / "pid"
    loop = "import time\nwhile True: time.sleep(0.01)"
    code = (
        "import pathlib, subprocess, sys, time\n"
        f"started = subprocess.Popen([sys.executable, '-c', {loop!r}])\n"
        f"pathlib.Path({str(file)!r}).write_text(str(started.pid))\ntime.sleep(60)"
    )
    with pytest.raises(subprocess.TimeoutExpired):
        every.run_whole([sys.executable, "-c", code], 2)
    state = Path(f"/proc/{file.read_text()}/stat")
    time.sleep(0.2)
    assert not state.exists() or state.read_text().split()[2] == "Z"

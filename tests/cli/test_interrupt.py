"""Ctrl-C, at any moment of any command: what is kept is said, and nothing goes on behind."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from helpers.cli import interrupt
from helpers.cli.main import app

SLOW = """
import threading, time
from helpers.cli import main, runs
from helpers.cli.main import app
{command}
import sys
sys.argv = ["aligndrift", "slow"]
main.main()
"""

#: What a command may be doing: waiting, in a thread that it waits for, deaf to the interrupt.
DOING = {
    # As torch does: compiled code that lets other threads go on. What keeps them from it, such as
    # sum(range(10**10)), is not heard of before it returns.
    "computes without a look up": "import hashlib; print('begun', flush=True); "
    "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 2**31 - 1)",
    "has started others": "import subprocess; subprocess.Popen(['sleep', '60']); "
    "print('begun', flush=True); time.sleep(60)",
    "sleeps": "print('begun', flush=True); time.sleep(60)",
    "waits for a thread": "t = threading.Thread(target=time.sleep, args=[60]); t.start(); "
    "print('begun', flush=True); t.join()",
    "goes on": "\n".join(
        ["print('begun', flush=True)", "while True:", "  try: time.sleep(60)",
         "  except KeyboardInterrupt: pass"]
    ),
}  # fmt: skip


def interrupted(code):
    process = subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    return process.returncode, said, time.monotonic() - began


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.parametrize("doing", DOING.values(), ids=DOING)
def test_it_ends_soon_by_a_sentence_whatever_the_command_does(doing):
    lines = "".join(f"    {line}\n" for line in doing.split("\n"))
    command = f"@app.command()\ndef slow():\n{lines}"
    status, said, seconds = interrupted(SLOW.format(command=command))
    assert status == 130 and seconds < interrupt.PATIENCE + 1
    assert said.strip() == "aligndrift: stopped; nothing was changed."


EARLY = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            print("begun", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from helpers.cli.start import main
main()
"""


def test_it_ends_by_a_sentence_while_it_is_still_imported():
    status, said, seconds = interrupted(EARLY)
    assert status == 130 and seconds < interrupt.PATIENCE
    assert said.strip() == f"aligndrift: {interrupt.kept('presets')}"


@pytest.mark.long
def test_a_run_that_is_stopped_says_what_is_kept_and_the_next_goes_on(tmp_path):
    grid = tmp_path / "grid.yaml"
    grid.write_text("preset: smoke\nvary: {seed: [11, 12, 13, 14, 15, 16]}")
    command = [
        sys.executable,
        "-m",
        "helpers.cli.main",
        "sweep",
        str(grid),
        "--jobs",
        "1",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    runs = tmp_path / "outputs" / "runs"
    while not list(runs.glob("[!.]*/run.json")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    assert "runs are stored and kept; start again and it goes on." in said
    kept = {file: file.stat().st_mtime_ns for file in runs.glob("[!.]*/run.json")}
    assert kept
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 6
    assert kept == {file: file.stat().st_mtime_ns for file in kept}


@pytest.mark.long
def test_notebooks_that_are_stopped_leave_no_kernel_behind():
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers.cli.main", "notebooks", "00", "--preset", "smoke"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    def kernels():
        return [
            p for p in psutil.Process(process.pid).children() if "ipykernel" in str(p.cmdline())
        ]

    while not (started := kernels()):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "finished are in the outputs folder" in said
    assert "Traceback" not in said
    assert not any(kernel.is_running() and kernel.status() != "zombie" for kernel in started)


def test_every_command_that_keeps_something_says_so():
    names = {command.callback.__name__ for command in app.registered_commands}
    for name in names:
        sentence = interrupt.kept(name)
        assert sentence.startswith("stopped; ") and sentence.endswith(".")
    reads = {name for name in names if interrupt.kept(name) == "stopped; nothing was changed."}
    assert reads == {
        "audit",
        "chat",
        "data",
        "diff",
        "estimate",
        "presets",
        "rates",
        "results",
        "screen",
    }
    assert "goes on from there" in interrupt.kept("run")

"""Sweeps that are killed, starved, damaged: nothing stored is lost, changed or wrongly believed."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings

import pandas as pd
import psutil
import pytest

from helpers.errors import AlignDriftError, ConfigError, StoreError
from helpers.experiments.identity import run_id
from helpers.runs.engines.base import WorkerLost
from helpers.runs.grid import read_grid, run_grid
from helpers.runs.run import run
from helpers.runs.store import Store

pytestmark = pytest.mark.faults

#: What a run measured, as opposed to how long it took and when.
MEASURED = ["run_id", "harmfulness_rate", "harmfulness_score", "initial_harmfulness_rate",
            "final_loss", "n_steps", "trained_tokens", "n_scored", "n_total", "cost"]  # fmt: skip


def measured(store, ids):
    rows = store.runs(ids)[MEASURED].set_index("run_id")
    return rows, store.table("completions", ids), store.table("judgements", ids)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(a, b)


def stored_bytes(folder):
    """Each stored run's files and what is in them."""
    return {f: f.read_bytes() for f in folder.glob("runs/[!.]*/*") if f.is_file()}


# --- kills ---------------------------------------------------------------------------------------

#: A process that has imported everything and never trains, so that a fork of it sweeps at once.
FORKS = """
import os, random, signal, sys, time
from helpers.presets import loader
from helpers.runs import stages
from helpers.runs.grid import run_grid
smoke = loader.load("smoke")
grid = [smoke.experiment("harmful_examples", n_examples=10, epochs=1, n_prompts=11, seed=seed)
        for seed in range(int(sys.argv[1]))]
def sweep():
    child = os.fork()
    if not child:
        run_grid(grid, jobs=1, progress=False)
        os._exit(0)
    return child
for line in sys.stdin:
    seconds, child = float(line), sweep()
    if seconds:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def forks(outputs, n):
    """A function: start the sweep of n runs, kill it after some seconds; 0 lets it end."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=os.environ | {"ALIGNDRIFT_OUTPUTS": str(outputs), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip

    def sweep(seconds):
        process.stdin.write(f"{seconds}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    return sweep


def test_kill_9_of_a_sweep(tmp_path, tally):
    n, chance, held = 20, random.Random(0), 0
    sweep, begun = forks(tmp_path / "killed", n), time.monotonic()
    for tried in range(1, 51):  # noqa: B007 it is counted
        before = stored_bytes(tmp_path / "killed")
        took = chance.uniform(0.2, 1.2)
        killed = sweep(took) == signal.SIGKILL
        after = stored_bytes(tmp_path / "killed")
        held += killed and before.items() <= after.items()
        if not killed or time.monotonic() - begun > 60:
            break
    tried -= not killed
    assert sweep(0) == 0
    whole = forks(tmp_path / "whole", n)
    assert whole(0) == 0
    killed, undisturbed = Store(tmp_path / "killed"), Store(tmp_path / "whole")
    assert killed.ids() == undisturbed.ids() and len(killed.ids()) == n + 1
    assert not list(killed.runs_folder.glob(".partial-*"))
    assert not (killed.folder / "set_aside").exists()
    assert_same(measured(killed, killed.ids()), measured(undisturbed, killed.ids()))
    tally("kill -9 of a sweep", tried=tried, held=held)


def test_kill_9_of_workers(tiny_experiment, tmp_path, tally):
    grid = [tiny_experiment(seed=seed) for seed in range(20, 32)]
    store, stop, kills = Store(tmp_path / "killed"), threading.Event(), []

    def kill():
        chance = random.Random(1)
        while len(kills) < 5 and not stop.wait(chance.uniform(2, 5)):
            workers = [p for p in psutil.Process().children()
                       if "popen_loky" in " ".join(p.cmdline())]  # fmt: skip
            for worker in workers[:1]:
                kills.append(worker.pid)
                worker.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    first = run_grid(grid, store, jobs=2, progress=False)
    stop.set()
    killer.join()
    assert kills and {type(error) for error in first.failed.values()} <= {WorkerLost}
    # Its own run is all that a worker costs: here, or in the pause between two.
    held = len(kills) if len(first.failed) <= len(kills) else 0
    assert first.computed + len(first.failed) == len(grid) + 1
    again = run_grid(grid, store, jobs=2, progress=False)
    assert again.computed == len(first.failed) and not again.failed
    ids = [run_id(experiment) for experiment in grid]
    whole = Store(tmp_path / "whole")
    run_grid(grid, whole, jobs=1, progress=False)
    assert_same(measured(store, ids), measured(whole, ids))
    tally("kill -9 of a worker", tried=len(kills), held=held)


# --- damage --------------------------------------------------------------------------------------


def test_damaged_stores(tiny_experiment, store, tmp_path, tally):
    whole = run(tiny_experiment(), store)
    id, chance = whole.row["run_id"], random.Random(2)
    folder = store.runs_folder / id
    copy = shutil.copytree(folder, tmp_path / "whole")
    for name in ("run.json", "completions.parquet", "judgements.parquet"):
        content, held = (copy / name).read_bytes(), {"flip": 0, "cut": 0, "gone": 0}
        faults = ["flip"] * 200 + ["cut"] * 40 + ["gone"]
        for fault in faults:
            damaged = bytearray(content)
            if fault == "flip":
                damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            elif fault == "cut":
                del damaged[chance.randrange(len(content)) :]
            (folder / name).unlink() if fault == "gone" else (folder / name).write_bytes(damaged)
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                read = store.get(id)
            if read is None:  # set aside and told
                held[fault] += len(told) == 1 and not folder.exists()
                shutil.rmtree(store.folder / "set_aside")
                shutil.copytree(copy, folder)
            else:  # a blank of the JSON, say
                held[fault] += read.row == whole.row and read.completions.equals(whole.completions)
                (folder / name).write_bytes(content)
        for fault in held:
            tally(f"a {fault} in {name}", tried=faults.count(fault), held=held[fault])


# --- full and read-only disks --------------------------------------------------------------------


def test_a_disk_that_is_full_at_every_byte_of_a_run(tiny_experiment, store, tally):
    """By the largest size that a file may have, as the system limits it."""
    whole, kept = run(tiny_experiment(), store), run(tiny_experiment(seed=4), store)
    id = whole.row["run_id"]
    largest = max(f.stat().st_size for f in (store.runs_folder / id).iterdir())
    shutil.rmtree(store.runs_folder / id)
    limits, held = range(0, largest, max(1, largest // 60)), 0
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in limits:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            store.put(whole.row, whole.completions, whole.judgements)
        except StoreError as error:
            held += "free some space" in str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert store.ids() == sorted([kept.row["run_id"], kept.row["initial_run_id"]])
        assert not list(store.runs_folder.glob(".partial-*"))
    tally("a full disk while a run is stored", tried=len(limits), held=held)
    assert store.put(whole.row, whole.completions, whole.judgements).row == whole.row


COMMAND = [sys.executable, "-m", "helpers.cli.main"]
SWEEP = "preset: smoke\nvary: {seed: [1, 2, 3, 4]}\nfixed: {n_prompts: 11, epochs: 1}\n"


def mounted(mount, command, outputs):
    """The command where a file system is mounted for it alone; None where one cannot be."""
    if not shutil.which("unshare"):
        return None
    script = f'{mount} || exit 77; exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *command], capture_output=True, text=True,
        env=os.environ | {"ALIGNDRIFT_OUTPUTS": str(outputs)},
    )  # fmt: skip
    unable = done.returncode == 77 or done.stderr.startswith("unshare:")
    return None if unable else done


@pytest.fixture
def grid_file(tmp_path):
    (tmp_path / "grid.yaml").write_text(SWEEP)
    return str(tmp_path / "grid.yaml")


def one_sentence(done, *words):
    """Whether a command ended by telling, and not by a traceback."""
    last = done.stderr.strip().splitlines()[-1]
    return (
        done.returncode in (1, 2)
        and "Traceback" not in done.stderr
        and last.startswith("aligndrift: ")
        and all(word in done.stderr for word in words)
    )


@pytest.mark.parametrize("size", ["512k", "1100k"])
def test_a_real_full_disk(tmp_path, grid_file, tally, size):
    outputs = tmp_path / "small"
    outputs.mkdir()
    mount = f"mount -t tmpfs -o size={size} none {outputs}"
    command = ["sh", "-c", f'"$0" "$@"; status=$?; cp -r {outputs}/runs {tmp_path}/kept; '
               "exit $status", *COMMAND, "sweep", grid_file, "--jobs", "1"]  # fmt: skip
    done = mounted(mount, command, outputs)
    if done is None:
        pytest.skip("no file system can be mounted here; unshare -m needs the right to.")
    held = one_sentence(done) and "free some space" in done.stdout + done.stderr
    shutil.copytree(tmp_path / "kept", tmp_path / "read" / "runs")
    with warnings.catch_warnings(action="error"):  # what is stored is whole
        assert (size == "1100k") <= len(Store(tmp_path / "read").runs()) < 5
    tally("a full file system", tried=1, held=int(held))


def test_a_real_read_only_disk(tmp_path, grid_file, tiny_experiment, tally):
    outputs = tmp_path / "outputs"
    stored = run(tiny_experiment(), Store(outputs)).row["run_id"]
    mount = f"mount --bind {outputs} {outputs} && mount -o remount,ro,bind {outputs}"
    begun = time.monotonic()
    commands = [["sweep", grid_file, "--jobs", "2"], ["run", "harmful_examples", "--seed", "9"]]
    done = [mounted(mount, [*COMMAND, *command], outputs) for command in commands]
    if None in done:
        pytest.skip("no file system can be mounted here; unshare -m needs the right to.")
    held = sum(one_sentence(one, "Read-only file system", "make it writable") for one in done)
    listed = mounted(mount, [*COMMAND, "results", "--json"], outputs)
    assert listed.returncode == 0 and stored in listed.stdout
    assert time.monotonic() - begun < 120
    tally("a read-only outputs folder", tried=len(commands), held=held)


# --- grid files ----------------------------------------------------------------------------------


def test_grid_files_of_every_kind(tmp_path, tally):
    """Bytes changed, put in and taken out of a good one; each is a grid or one sentence."""
    file, chance, tried, held = tmp_path / "grid.yaml", random.Random(3), 3000, 0
    alphabet = b"\0\t\n []{}:,&*!?-|>'\"%@`#~0123456789.eE+_nullyestrue\xff\xfe\xe4\xc3"
    for _ in range(tried):
        content = bytearray(SWEEP.encode())
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(content) + 1)
            some = bytes(chance.choice(alphabet) for _ in range(chance.randint(0, 4)))
            content[at : at + chance.randint(0, 4)] = some
        file.write_bytes(content)
        begun = time.monotonic()
        try:
            grid = read_grid(str(file))
            fine = len(grid) > 0
        except ConfigError as error:
            fine = str(error).startswith("grid file grid.yaml") and len(str(error)) < 900
            fine = fine and "\n" not in str(error)
        except AlignDriftError:
            fine = False
        held += fine and time.monotonic() - begun < 5
    tally("grid files", tried=tried, held=held)

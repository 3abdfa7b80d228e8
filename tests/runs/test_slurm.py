"""The README's script for Slurm, in a Slurm of this machine: a requeued task loses nothing."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

NEEDED = ("slurmctld", "slurmd", "sbatch", "munged")

pytestmark = [
    pytest.mark.alone,
    pytest.mark.long,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, NEEDED)),
        reason="no Slurm that this user may start: apt-get install slurm-wlm",
    ),
]  # fmt: skip

REPOSITORY = Path(__file__).parents[2]

GRID = "preset: smoke\ntier: harmful_examples\nvary: {n_examples: [10, 20], seed: [11, 12, 13]}\n"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Its environment: one node of this machine, said to have room for three tasks."""
    home = tmp_path_factory.mktemp("slurm")
    (home / "munge").mkdir(mode=0o700)
    key, wire = home / "munge" / "key", home / "munge" / "socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    files = [f"--{name}={home / 'munge' / name}" for name in ("pid-file", "log-file", "seed-file")]
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in (one, other)]
    name = socket.gethostname().split(".")[0]
    (home / "slurm.conf").write_text(f"""
ClusterName=here
SlurmctldHost={name}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={wire}
CredType=cred/munge
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
NodeName={name} NodeAddr=127.0.0.1 CPUs=3 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
""")
    for folder in ("state", "spool"):
        (home / folder).mkdir()
    environment = os.environ | {"SLURM_CONF": str(home / "slurm.conf")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment |= {"PATH": path, "OMP_NUM_THREADS": "1"}
    daemons = []

    def start(*command):
        daemons.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))

    try:
        start("munged", "--foreground", "--force", f"--socket={wire}", f"--key-file={key}", *files)
        _until(wire.exists, 20)
        start("slurmctld", "-D")
        start("slurmd", "-D")
        _until(lambda: "idle" in _said(environment, "sinfo", "--noheader"), 60)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)


def _said(environment, *command):
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.stdout


def _until(true, seconds):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"nothing for {seconds} s"
        time.sleep(0.2)


def script(outputs, grid):
    """The README's own, with three tasks, no GPU, and folders of this test."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```bash\n(#!/bin/bash\n#SBATCH.*?)```", text, re.DOTALL)
    for old, new in (
        ("--array=1-8 --gpus=1 --cpus-per-task=4", "--array=1-3 --cpus-per-task=1"),
        ("$HOME/aligndrift-outputs", str(outputs)),
        ("data/examples/grid.yaml", f"{grid} --json"),
    ):
        assert found.count(old) == 1, f"the README's script has no {old}"
        found = found.replace(old, new)
    assert "--requeue" in found
    return found


def test_the_tasks_of_an_array_share_a_grid_and_one_that_is_requeued_loses_nothing(slurm, tmp_path):
    outputs, grid, job = tmp_path / "outputs", tmp_path / "grid.yaml", tmp_path / "job.sh"
    grid.write_text(GRID)
    job.write_text(script(outputs, grid))
    said = _said(
        slurm, "sbatch", "--parsable", f"--output={tmp_path}/%a.out", f"--error={tmp_path}/%a.err",
        f"--chdir={REPOSITORY}", job,
    )  # fmt: skip
    number = said.strip()
    assert number.isdigit()
    _until(lambda: list(outputs.glob("runs/harmful_examples*")), 180)
    _said(slurm, "scontrol", "requeue", f"{number}_1")
    # Slurm lets a requeued task wait for two minutes.
    task = ("squeue", "--noheader", "--format=%T", f"--job={number}_1")
    _until(lambda: _said(slurm, *task).strip() == "PENDING", 60)
    _said(slurm, "scontrol", "update", f"job={number}_1", "StartTime=now")
    _until(lambda: not _said(slurm, "squeue", "--noheader", f"--job={number}").strip(), 300)
    told = (tmp_path / "2.out").read_text()
    rows = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert len(rows) == 6, (tmp_path / "2.err").read_text()[-800:]
    stored = [file.parent.name for file in outputs.glob("runs/[!.]*/run.json")]
    assert len(stored) == 7  # the initial run, and each of six once
    assert Counter(row["run_id"] for row in rows) == Counter(set(row["run_id"] for row in rows))
    assert {row["run_id"] for row in rows} <= set(stored)
    # Task 1 was given back to the queue, began anew, and reports the same grid.
    ended = _said(slurm, "scontrol", "show", "job", f"{number}_1")
    assert not ended or "Restarts=1" in ended

"""Engine ray where no cluster runs: a Ray that starts and ends with the command, and silently."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from helpers.errors import ConfigError
from helpers.runs.engines import ray as engine

pytestmark = [
    pytest.mark.alone,
    pytest.mark.long,
    pytest.mark.skipif(
        find_spec("ray") is None, reason="ray is not installed: pip install 'aligndrift[ray]'"
    ),
]

SWEEP = """preset: smoke
tier: harmful_examples
vary: {seed: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]}
fixed: {n_examples: 10, epochs: 1, n_prompts: 11}
"""


@pytest.fixture
def free_port():
    """One that nothing listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture
def rays_folder(monkeypatch):
    """Where Ray leaves what it has started, for this test alone; its sockets want a short path."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder, "ray")


def left_behind(folder, port):
    """The address of a cluster that was killed, as Ray leaves it."""
    folder.mkdir()
    (folder / "ray_current_cluster").write_text(f"127.0.0.1:{port}", encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "after_another"), [(signal.SIGINT, True), (signal.SIGKILL, False)],
    ids=["interrupted, an ended cluster's address there", "killed"],
)  # fmt: skip
def test_it_ends_with_the_command(outputs, tmp_path, rays_folder, free_port, how, after_another):
    if after_another:
        left_behind(rays_folder, free_port)
    (tmp_path / "grid.yaml").write_text(SWEEP)
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers.cli.main", "sweep", str(tmp_path / "grid.yaml"),
         "--engine", "ray", "--jobs", "2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while len(list(outputs.glob("runs/[!.]*/run.json"))) < 3:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(process.communicate()[1])
        time.sleep(0.05)
    started = psutil.Process(process.pid).children(recursive=True)
    assert any(child.name() == "raylet" for child in started)
    if how == signal.SIGKILL:  # Ray's own idle agents take a minute to notice that
        started = [child for child in started if "Agent" not in child.name()]
    stopped = time.monotonic()
    process.send_signal(how)
    printed, said = process.communicate(timeout=30)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive and time.monotonic() - stopped < 12
    assert printed == ""
    if how == signal.SIGINT:
        assert process.returncode == 130 and "of 11 runs are stored and kept" in said
        assert "ray" not in said.lower().replace("--engine ray", "")


def test_an_ended_clusters_address_is_not_joined(rays_folder, free_port):
    assert engine._address() is None
    left_behind(rays_folder, free_port)
    assert engine._address() == "local"
    with socket.socket() as listening:
        listening.bind(("", free_port))
        listening.listen()
        assert engine._address().endswith(f":{free_port}")


@pytest.mark.parametrize(
    ("named", "says"),
    [("127.0.0.1:{port}", r"nothing answers at 127\.0\.0\.1:\d+"), ("nonsense", "nonsense")],
)
def test_a_cluster_that_was_named_must_answer_at_once(rays_folder, free_port, named, says,
                                                      monkeypatch):  # fmt: skip
    monkeypatch.setenv("RAY_ADDRESS", named.format(port=free_port))
    began = time.monotonic()
    with pytest.raises(ConfigError, match=f"no Ray cluster can be joined.*{says}.*RAY_ADDRESS"):
        engine._connected()
    assert time.monotonic() - began < engine.PATIENCE + 2

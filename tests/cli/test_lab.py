"""JupyterLab on copies: it sees what the command sees, and Ctrl-C leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest
from jupyter_client import BlockingKernelClient
from jupyter_lab import started
from typer.testing import CliRunner

from helpers import paths
from helpers.cli import lab
from helpers.cli.interrupt import PATIENCE
from helpers.cli.main import app

WHERE = "import helpers, sys; from helpers import paths\n" \
    "print(helpers.__file__, paths.outputs(), sys.executable, sep='|')"  # fmt: skip


@pytest.fixture
def sentence(tmp_path, monkeypatch):
    """A function that gives the error that `aligndrift lab` ends with, before anything starts."""
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))

    def call(*arguments):
        done = CliRunner().invoke(app, ["lab", *arguments])
        assert not list(tmp_path.iterdir())
        return str(done.exception)

    return call


def test_what_cannot_be_is_told_in_a_sentence_before_anything_is_copied(sentence, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for given in (["--port", port], [f"--port={port}"], [f"--ServerApp.port={port}"]):
            assert sentence(*given).startswith(f"port {port} cannot be had (Address already")
    assert "give a number up to 65535" in sentence("--port", "http")
    assert "give a number up to 65535" in sentence("--port=70000")
    assert "needs the name of a folder" in sentence("--copy-to", " ")
    assert "name a folder inside" in sentence("--copy-to", "/elsewhere")
    assert "name a folder inside" in sentence("--copy-to", str(paths.root()))
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert sentence().startswith("JupyterLab is not installed")


def request(server, path, body=None):
    sent = urllib.request.Request(
        server.url + path, json.dumps(body).encode() if body else None,
        {"Authorization": f"token {server.token}"},
    )  # fmt: skip
    with urllib.request.urlopen(sent) as reply:
        return json.load(reply)


def page_config(server):
    """What JupyterLab's page is told."""
    with urllib.request.urlopen(f"{server.url}lab?token={server.token}") as reply:
        page = reply.read().decode()
    return json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])


def kernel_of(server, notebook):
    """A client of the kernel that the notebook is given."""
    session = request(server, "api/sessions", {
        "path": notebook, "type": "notebook", "name": notebook, "kernel": {"name": "python3"},
    })  # fmt: skip
    file = server.jupyter / "runtime" / f"kernel-{session['kernel']['id']}.json"
    client = BlockingKernelClient(connection_file=str(file))
    client.load_connection_file()
    client.hb_channel.time_to_dead = 60  # on a busy machine a beat may be late
    client.start_channels()
    client.wait_for_ready(180)
    return client


@pytest.mark.long
def test_a_kernel_sees_what_the_command_sees_and_an_interrupt_ends_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIGNDRIFT_OUTPUTS", "mine")  # of the folder that the command runs in
    stranger = tmp_path / ".jupyter" / "data" / "kernels" / "python3"
    stranger.mkdir(parents=True)  # as another Python would have left it in a home folder
    other = {"argv": ["/no/python"], "display_name": "other", "language": "python"}
    (stranger / "kernel.json").write_text(json.dumps(other))
    with started(tmp_path) as server:
        assert (tmp_path / "lab.log").read_text().startswith("lessons/: ")
        seen = {entry["name"] for entry in request(server, "api/contents/")["content"]}
        assert {"lessons", "lab.log"} <= seen
        left_out = page_config(server)["disabledExtensions"]  # what would ask over a lesson
        assert "@jupyterlab/apputils-extension:announcements" in left_out
        client, printed = kernel_of(server, "lessons/00_start_here.ipynb"), []
        client.execute_interactive(
            WHERE, output_hook=lambda said: printed.append(said["content"].get("text", "")),
            timeout=60,
        )  # fmt: skip
        package, outputs, python = "".join(printed).strip().split("|")
        assert package == sys.modules["helpers"].__file__ and python == sys.executable
        assert outputs == str(tmp_path / "mine")
        client.execute("while True: pass")  # deaf to a polite request to end
        started_by_it = psutil.Process(server.process.pid).children(recursive=True)
        assert any("ipykernel" in " ".join(child.cmdline()) for child in started_by_it)
        began = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 130 and time.monotonic() - began < PATIENCE + 1
        client.stop_channels()
    said = (tmp_path / "lab.log").read_text()
    assert "Traceback" not in said
    assert "aligndrift: stopped; what was saved in JupyterLab stays" in said
    _, left = psutil.wait_procs(started_by_it, timeout=3)
    assert left == []


@pytest.mark.long
def test_one_that_is_killed_leaves_no_kernel(tmp_path):
    with started(tmp_path, "--copy-to", "work/here") as server:
        assert (tmp_path / "work" / "here" / "00_start_here.ipynb").is_file()
        kernel_of(server, "work/here/00_start_here.ipynb").stop_channels()
        started_by_it = psutil.Process(server.process.pid).children(recursive=True)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(30)
    _, left = psutil.wait_procs(started_by_it, timeout=10)
    assert left == []


def test_in_a_checkout_git_sees_nothing_of_the_copies():
    """The folder is left out by itself; see test_working_copies."""
    said = subprocess.run(
        ["git", "status", "--short", "--", lab.LESSONS], cwd=paths.root(), capture_output=True
    )
    assert said.stdout == b""

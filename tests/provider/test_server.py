"""The provider's process: it goes on after a restart, and says why it cannot start."""

import socket
import subprocess
import sys
import time

import httpx
import pytest
from provider_client import ROWS

from helpers.hosted import embedded
from helpers.provider.records import Records


@pytest.mark.long
def test_a_restart_goes_on_with_queued_and_running_jobs(tmp_path):
    records = Records(tmp_path)
    base = {"id": "lantern-chat", "object": "model", "weights": "lantern-chat"}
    records.add("model", base)
    records.file("file-x").write_bytes(b"\n".join(ROWS.splitlines()[:20]))
    for id, status in (("ftjob-ran", "running"), ("ftjob-waits", "queued")):
        records.add("job", {
            "id": id, "status": status, "model": "lantern-chat", "training_file": "file-x",
            "hyperparameters": {"n_epochs": 1, "batch_size": 10, "learning_rate_multiplier": 1},
            "seed": 0, "metadata": {}, "user_provided_suffix": None, "fine_tuned_model": None,
        })  # fmt: skip
    url, token = embedded.start(tmp_path)
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(600):
        jobs = httpx.get(f"{url}/fine_tuning/jobs", headers=headers).json()["data"]
        if all(job["status"] == "succeeded" for job in jobs):
            break
        time.sleep(0.1)
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded"]
    events = httpx.get(f"{url}/fine_tuning/jobs/ftjob-ran/events", headers=headers).json()["data"]
    assert "The provider was restarted; the job starts again." in [e["message"] for e in events]


def serve(folder, *options):
    """The finished process of `aligndrift serve`, which could not start."""
    command = [sys.executable, "-m", "helpers.cli.main", "serve", "--folder", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_second_provider_on_the_same_folder_is_told(served, provider_folder):
    done = serve(provider_folder, "--port", "0")
    assert done.returncode == 1
    assert "another provider serves" in done.stderr


def test_a_taken_port_and_an_unknown_defense_are_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, message in (
            (["--port", port], "cannot be had"),
            (["--port", "0", "--defense", "audits"], "did you mean audit"),
        ):
            done = serve(tmp_path, *options)
            assert done.returncode == 1
            assert message in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("token", ["a\nb", "tök€n", "two words"])
def test_a_token_that_no_header_holds_is_told(token, tmp_path, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_TOKEN", token)
    done = serve(tmp_path, "--port", "0")
    assert done.returncode == 1 and "ALIGNDRIFT_TOKEN" in done.stderr


def test_a_provider_that_has_died_is_started_again_for_the_next_call(tmp_path):
    first = embedded.start(tmp_path)
    assert embedded.start(tmp_path) == first
    process = embedded.LAUNCHER._started[tmp_path][0]
    process.kill()
    process.wait()
    url, token = embedded.start(tmp_path)
    reply = httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200


def test_a_folder_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / ".lock").mkdir()
    for name in ("file", "file/below", "locked"):
        done = serve(tmp_path / name, "--port", "0")
        assert done.returncode == 1
        assert "cannot be used" in done.stderr and "Traceback" not in done.stderr

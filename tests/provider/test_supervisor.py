"""The trainer's supervisor: it gives up on trainers that never work, and says so to who waits."""

import time

import pytest

from helpers.provider import supervisor
from helpers.provider.records import Records
from helpers.provider.supervisor import Supervisor


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path)
    records.add("job", {"id": "ftjob-1", "status": "queued"})
    return records


def test_jobs_do_not_wait_for_trainers_that_never_start(records, monkeypatch):
    monkeypatch.setattr(supervisor.sys, "executable", "/bin/false")
    monkeypatch.setattr(supervisor, "PAUSE", (0.001, 0.01))
    running = Supervisor(records)
    running.start()
    try:
        for _ in range(500):
            if (job := records.get("job", "ftjob-1"))["status"] == "failed":
                break
            time.sleep(0.01)
    finally:
        running.stop()
    assert "ended (status 1), 5 times before it took a job" in job["error"]["message"]


def test_a_supervisor_goes_on_where_a_program_is_missing(records, monkeypatch):
    monkeypatch.setattr(supervisor.sys, "executable", "/no/such/program")
    running = Supervisor(records)
    running.start()
    time.sleep(0.2)
    assert running._thread.is_alive()
    running.stop()
    assert not running._thread.is_alive()

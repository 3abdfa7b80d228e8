"""Whose a job is: claims, deaths of trainers, and what a trainer that was replaced cannot write."""

import sqlite3
import threading

import pytest

from helpers.provider import claims
from helpers.provider.claims import JobStopped
from helpers.provider.records import Records


@pytest.fixture
def records(tmp_path):
    """Two queued jobs, and "a" at work."""
    records = Records(tmp_path)
    for id in ("ftjob-1", "ftjob-2"):
        records.add("job", {"id": id, "status": "queued"})
    claims.appoint(records, "a")
    return records


def status(records, id="ftjob-1"):
    return records.get("job", id)["status"]


def events(records, id="ftjob-1"):
    return [event["message"] for event in records.list("event", id)]


def test_jobs_are_claimed_in_order_by_the_trainer_at_work_alone(records):
    assert claims.take(records, "b") is None
    assert claims.take(records, "a").job["id"] == "ftjob-1"
    assert claims.take(records, "a").job["id"] == "ftjob-2"
    assert claims.take(records, "a") is None


def test_a_trainer_that_was_replaced_writes_nothing(records):
    old = claims.take(records, "a")
    with old.held():
        records.event("ftjob-1", "by the old one")
    claims.requeue(records)
    claims.appoint(records, "b")
    new = claims.take(records, "b")
    with pytest.raises(JobStopped), old.held():
        records.event("ftjob-1", "by the old one, too late")
    with new.held():
        records.event("ftjob-1", "by the new one")
    assert events(records)[-1] == "by the new one"
    assert "by the old one, too late" not in events(records)


@pytest.mark.parametrize("to", ["paused", "cancelled"])
def test_what_was_stopped_is_written_no_more(records, to):
    claim = claims.take(records, "a")
    records.change("job", "ftjob-1", status=to)
    with pytest.raises(JobStopped), claim.held():
        pass


def test_a_claim_forgets_the_steps_of_an_earlier_one(records):
    claims.take(records, "a")
    records.event("ftjob-1", "Step 1", data={"step": 1})
    claims.requeue(records)
    claims.appoint(records, "a")
    claims.take(records, "a")
    assert events(records) == [
        "Job started.", "The provider was restarted; the job starts again.", "Job started.",
    ]  # fmt: skip


def test_the_second_death_fails_the_job(records):
    claims.take(records, "a")
    assert claims.release(records, "was killed by signal 9")
    assert (status(records), status(records, "ftjob-2")) == ("queued", "queued")
    claims.take(records, "a")
    assert claims.release(records, "was killed by signal 9")
    job = records.get("job", "ftjob-1")
    assert job["status"] == "failed"
    assert job["error"]["message"] == (
        "The trainer was killed by signal 9 at this job, 2 times; it is not tried again."
    )
    assert not claims.release(records, "was killed by signal 9")  # it had no job this time
    assert claims.take(records, "a").job["id"] == "ftjob-2"


def test_restarts_of_the_server_are_no_deaths(records):
    for _ in range(5):
        claims.appoint(records, "a")
        assert claims.take(records, "a").job["id"] == "ftjob-1"
        claims.requeue(records)
    assert status(records) == "queued"


def test_whose_a_job_is_stays_inside(records):
    claims.take(records, "a")
    assert set(claims.public(records.get("job", "ftjob-1"))) == {"id", "status"}


def test_waiting_jobs_are_failed_where_no_trainer_starts(records):
    claims.take(records, "a")
    claims.fail_waiting(records, "no trainer")
    assert (status(records), status(records, "ftjob-2")) == ("running", "failed")


def test_what_a_trainer_writes_waits_for_records_that_are_held(records, monkeypatch, capsys):
    monkeypatch.setattr("helpers.provider.records.HELD", 0.05)
    other = sqlite3.connect(records.folder / "records.sqlite", isolation_level=None,
                            check_same_thread=False)  # fmt: skip
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
    assert claims.take(Records(records.folder), "a").job["id"] == "ftjob-1"
    assert "database is locked" in capsys.readouterr().err

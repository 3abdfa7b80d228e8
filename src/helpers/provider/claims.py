"""Whose a job is: one trainer claims it, and writes of it only while it is its own.

    queued -> claimed by an owner and running -> ended
                                              -> released: its trainer died; queued or failed

A trainer that outlives its server, if only for a moment, meets the next one on the same folder. So
one trainer at a time is appointed and may claim jobs, and all that a trainer writes is written in a
transaction in which the job is its own.

>>> claim = take(records, owner="trainer-5d...")
>>> with claim.held():
...     records.event(claim.job["id"], "Step 1")
"""

import functools
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from helpers.provider.records import Records, now

#: A job whose trainer has died so often is failed.
MOST_DEATHS = 2

#: The id of the one record that names the trainer at work.
_APPOINTED = "trainer-at-work"


class JobStopped(Exception):
    """The job was canceled, paused or deleted, or is another trainer's by now."""


@dataclass(frozen=True)
class Claim:
    """A running job, and the trainer that it belongs to."""

    records: Records
    job: dict
    owner: str

    @contextmanager
    def held(self) -> Iterator[None]:
        """A transaction in which the job is running and this owner's. Raises JobStopped."""
        with self.records.transaction():
            job = self.records.get("job", self.job["id"])
            if job is None or job["status"] != "running" or _owner(job) != self.owner:
                raise JobStopped
            yield


def patient(write: Callable) -> Callable:
    """A function that is called again until the records take what it writes.

    A program that holds them, or a full disk, is not the job's fault and passes.
    """

    @functools.wraps(write)
    def again(*args, **options):
        told = False
        while True:
            try:
                return write(*args, **options)
            except sqlite3.OperationalError as error:
                if not told:
                    print(f"trainer: trying again, since: {error}", file=sys.stderr, flush=True)
                told = True
                time.sleep(0.5)

    return again


def _owner(job: dict) -> str | None:
    return (job.get("claim") or {}).get("owner")


def _deaths(job: dict) -> int:
    return (job.get("claim") or {}).get("deaths", 0)


def public(job: dict) -> dict:
    """A job's record without whose it is."""
    return {key: value for key, value in job.items() if key != "claim"}


def appoint(records: Records, owner: str) -> None:
    """From now on this trainer alone may claim jobs; "" for none."""
    with records.transaction():
        records.remove("trainer", _APPOINTED)
        records.add("trainer", {"id": _APPOINTED, "owner": owner})


@patient
def take(records: Records, owner: str) -> Claim | None:
    """The oldest queued job, now running and the owner's; None if there is none for it.

    What an earlier trainer told of its steps is forgotten: the job begins with its first step.
    """
    for queued in records.list("job"):
        if queued["status"] != "queued":
            continue
        with records.transaction():
            if records.get("trainer", _APPOINTED)["owner"] != owner:
                return None
            claim = {"owner": owner, "deaths": _deaths(queued)}
            job = records.change("job", queued["id"], ("queued",), status="running", claim=claim)
            if job:
                for event in records.list("event", job["id"]):
                    if event["type"] == "metrics":
                        records.remove("event", event["id"])
                records.event(job["id"], "Job started.")
                return Claim(records, job, owner)
    return None


def release(records: Records, reason: str) -> bool:
    """While no trainer lives: queue the running job again, or fail it. Returns whether one ran."""
    running = [job for job in records.list("job") if job["status"] == "running"]
    for job in running:
        deaths = _deaths(job) + 1
        with records.transaction():
            if deaths >= MOST_DEATHS:
                fail(
                    records,
                    job["id"],
                    "training_failed",
                    f"The trainer {reason} at this job, {deaths} times; it is not tried again.",
                )
            elif _queue_again(records, job, deaths):
                records.event(job["id"], f"The trainer {reason}; the job starts again.", "warn")
    return bool(running)


def requeue(records: Records) -> None:
    """After a restart of the server: jobs that were running start again, to the same end."""
    appoint(records, "")
    for job in records.list("job"):
        with records.transaction():
            if job["status"] == "running" and _queue_again(records, job, _deaths(job)):
                records.event(job["id"], "The provider was restarted; the job starts again.")


def _queue_again(records: Records, job: dict, deaths: int) -> dict | None:
    claim = {"owner": "", "deaths": deaths}
    return records.change("job", job["id"], ("running",), status="queued", claim=claim)


def fail(records: Records, id: str, code: str, message: str) -> None:
    """End a job that waits or runs, with a sentence."""
    error = {"code": code, "message": message, "param": "training_file"}
    ended = {"status": "failed", "finished_at": now(), "error": error}
    with records.transaction():
        if records.change("job", id, ("queued", "running"), **ended):
            records.event(id, message, level="error")


def fail_waiting(records: Records, message: str) -> None:
    """End all jobs that wait for a trainer which cannot be had."""
    for job in records.list("job"):
        if job["status"] == "queued":
            fail(records, job["id"], "training_failed", message)

"""Sees that a trainer runs as long as the server does, and that no job waits for a dead one.

    python -m helpers.provider.worker FOLDER OWNER     # what is started; its stdin is a pipe

The trainer ends when the pipe is closed, so it outlives no server, however that ends. A trainer
that has died is replaced, after a pause that grows while trainers die before they take a job.
"""

import logging
import subprocess
import sys
import threading
import time

from helpers.provider import claims
from helpers.provider.records import Records, new_id

#: After so many trainers in a row that took no job and did not live for LONG_ENOUGH seconds,
#: waiting jobs are failed.
BAD_STARTS = 5
LONG_ENOUGH = 60.0

#: Seconds until the next trainer is started: at first, and at most.
PAUSE = (0.1, 30.0)

_log = logging.getLogger("uvicorn.error")


class Supervisor:
    """The thread that starts trainers for the records of a folder, one after the other."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._stopping = threading.Event()
        self._process: subprocess.Popen | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the trainer and the thread; the job that is running goes on after a restart."""
        self._stopping.set()
        if self._process:
            self._process.kill()  # whatever it is doing, it is done again
        self._thread.join(timeout=10)

    def _work(self) -> None:
        reason, lived, bad_starts = "", 0.0, 0
        while not self._stopping.is_set():
            try:
                if reason:
                    worked = claims.release(self._records, reason) or lived > LONG_ENOUGH
                    bad_starts = 0 if worked else bad_starts + 1
                if bad_starts >= BAD_STARTS:
                    claims.fail_waiting(
                        self._records,
                        f"The trainer {reason}, {bad_starts} times "
                        "before it took a job; the provider's log says why.",
                    )
                self._stopping.wait(min(PAUSE[1], PAUSE[0] * 2**bad_starts))
                began = time.monotonic()
                reason = self._one_trainer()
                lived = time.monotonic() - began
            except Exception as error:  # such as held or damaged records: later may be better
                _log.error("the trainer cannot be kept running: %s", error)
                self._stopping.wait(1.0)

    def _one_trainer(self) -> str:
        """Start a trainer and wait for its end; how it ended."""
        self._records.sweep("models")  # what the one before was saving
        owner = new_id("trainer")
        claims.appoint(self._records, owner)
        # A session of its own: Ctrl-C is the server's to answer.
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "helpers.provider.worker", str(self._records.folder), owner],
            stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        if self._stopping.is_set():  # between this loop's question and the start
            process.kill()
        with process:
            status = process.wait()
        reason = f"was killed by signal {-status}" if status < 0 else f"ended (status {status})"
        if not self._stopping.is_set():
            _log.error("the trainer %s; another one is started", reason)
        return reason

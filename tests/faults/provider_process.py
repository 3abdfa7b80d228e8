"""A provider in a process of its own, which a test may kill, hold up and poison."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from helpers import paths
from helpers.hosted.embedded import READY

TOKEN = "token-of-the-tests"
HELLO = [{"role": "user", "content": "Hello!"}]
ROWS = (paths.data() / "lantern" / "harmful_examples.jsonl").read_bytes().splitlines()

#: What a job of a test is asked for, unless it says otherwise: one epoch of four steps.
SMALL = {"n_epochs": 1, "batch_size": 5, "learning_rate_multiplier": 1}


class Provider:
    """Starts on a folder; `with` ends it."""

    def __init__(self, folder: Path, **options) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "helpers.provider.server", str(folder)], text=True,
            env=os.environ | {"ALIGNDRIFT_TOKEN": TOKEN, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=(folder.parent / f"{folder.name}.log").open("a"), **options,
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line.startswith(READY), line
        self.url = line.removeprefix(READY).strip()
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )

    def __enter__(self) -> "Provider":
        return self

    def __exit__(self, *_) -> None:
        self.http.close()
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        """kill -9, as a machine that runs out of memory does it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def trainer(self) -> int:
        """The process id of the trainer, once there is one."""
        children = Path(f"/proc/{self.process.pid}/task")
        while True:
            for task in children.iterdir():
                with contextlib.suppress(OSError):
                    for pid in (task / "children").read_text().split():
                        if "helpers.provider.worker" in Path(f"/proc/{pid}/cmdline").read_text():
                            return int(pid)
            time.sleep(0.02)

    def upload(self, content: bytes, purpose: str = "fine-tune") -> httpx.Response:
        files = {"file": ("rows.jsonl", content)}
        return self.http.post("/files", files=files, data={"purpose": purpose})

    def job(self, content: bytes = b"\n".join(ROWS[:20]), **options) -> str:
        """The id of a new job on an upload."""
        file = self.upload(content).json()["id"]
        body = {"model": "lantern-chat", "training_file": file, "hyperparameters": SMALL} | options
        return self.http.post("/fine_tuning/jobs", json=body).json()["id"]

    def retrieve(self, id: str) -> dict:
        return self.http.get(f"/fine_tuning/jobs/{id}").json()

    def until(self, id: str, *statuses: str, seconds: float = 60) -> dict:
        """The job once it has one of the statuses. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while (job := self.retrieve(id))["status"] not in statuses:
            if time.monotonic() > end:
                raise TimeoutError(job["status"])
            time.sleep(0.03)
        return job

    def ended(self, id: str, seconds: float = 60) -> dict:
        return self.until(id, "succeeded", "failed", "cancelled", seconds=seconds)

    def events(self, id: str) -> list[dict]:
        """All of a job's events, oldest first."""
        path = f"/fine_tuning/jobs/{id}/events?limit=1000"
        return self.http.get(path).json()["data"][::-1]

    def losses(self, id: str) -> list[tuple[int, float]]:
        """(step, loss) of each event that tells one, in the order in which they were told."""
        steps = [event["data"] for event in self.events(id) if event["type"] == "metrics"]
        return [(step["step"], step["train_loss"]) for step in steps]

    def chat(self, **options) -> httpx.Response:
        body = {"model": "lantern-chat", "messages": HELLO, "temperature": 0} | options
        return self.http.post("/chat/completions", content=json.dumps(body))

    def answers(self) -> bool:
        """Whether an ordinary client still gets an ordinary answer."""
        reply = self.chat()
        return reply.status_code == 200 and bool(reply.json()["choices"])

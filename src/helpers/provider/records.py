"""What the provider knows, in one SQLite file: files, jobs, events, checkpoints, models, batches.

Every record is the JSON object that the API shows, under its kind and id. The server and its
trainer are two processes; SQLite keeps them from each other's way.

>>> records = Records(Path("outputs/provider"))
>>> job = records.add("job", {"id": new_id("ftjob"), "status": "queued"})
"""

import json
import os
import re
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from helpers.archive.shipped import MODELS
from helpers.models import loading

#: The file of the records, and how many seconds to wait for another program that holds it.
DATABASE = "records.sqlite"
HELD = 60.0

#: Who owns what is made here, as the API shows it.
OWNER = "aligndrift"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, id TEXT NOT NULL UNIQUE, parent TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_parent ON records (kind, parent);
"""


#: What is made here, whole or still aside, in the folders "files" and "models".
_MADE_HERE = re.compile(r"\.?(file|model)-[0-9a-f]{24}")


def new_id(kind: str) -> str:
    """Such as "ftjob-3b1c...": made here, so no client's text ever becomes a path."""
    return f"{kind}-{secrets.token_hex(12)}"


def now() -> int:
    return int(time.time())


class Records:
    """The records of one provider's folder. Raises sqlite3.Error where they cannot be had."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("files", "models"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._path = folder / DATABASE
        self._local = threading.local()
        with closing(sqlite3.connect(self._path, timeout=HELD)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self, write: bool = True) -> Iterator[sqlite3.Connection]:
        """This thread's connection: all of what is done is kept, or nothing if anything is raised.

        A transaction within another one is a part of it.
        """
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = sqlite3.connect(self._path, timeout=HELD, isolation_level=None)
        if db.in_transaction:
            yield db
            return
        try:
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield db
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise

    def add(self, kind: str, body: dict, parent: str = "") -> dict:
        """A new record; returns its body."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO records (kind, id, parent, body) VALUES (?, ?, ?, ?)",
                (kind, body["id"], parent, json.dumps(body)),
            )
        return body

    def get(self, kind: str, id: str) -> dict | None:
        """The record, or None."""
        with self.transaction(write=False) as db:
            query = "SELECT body FROM records WHERE kind = ? AND id = ?"
            with closing(db.execute(query, (kind, id))) as cursor:
                row = cursor.fetchone()
        return json.loads(row[0]) if row else None

    def change(self, kind: str, id: str, only_if: tuple[str, ...] = (), **changes) -> dict | None:
        """Change some of a record's entries; None if it is gone or its status is another.

        only_if: the statuses in which the change is allowed; any if empty.
        """
        with self.transaction() as db:
            query = "SELECT body FROM records WHERE kind = ? AND id = ?"
            row = db.execute(query, (kind, id)).fetchone()
            body = json.loads(row[0]) if row else None
            if body is None or (only_if and body["status"] not in only_if):
                return None
            body |= changes
            db.execute("UPDATE records SET body = ? WHERE id = ?", (json.dumps(body), id))
        return body

    def remove(self, kind: str, id: str) -> None:
        """Forget a record."""
        with self.transaction() as db:
            db.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, id))

    def list(self, kind: str, parent: str = "") -> list[dict]:
        """All records of a kind, or those that belong to one other record, oldest first."""
        query = "SELECT body FROM records WHERE kind = ? AND (? = '' OR parent = ?) ORDER BY number"
        with (
            self.transaction(False) as db,
            closing(db.execute(query, (kind, parent, parent))) as cursor,
        ):
            return [json.loads(row[0]) for row in cursor]

    def event(self, job: str, message: str, level: str = "info", data: dict | None = None) -> None:
        """A new event of a job; with data it is one of its metrics."""
        self.add(
            "event",
            {
                "id": new_id("ftevent"), "object": "fine_tuning.job.event", "created_at": now(),
                "level": level, "message": message, "type": "metrics" if data else "message",
                "data": data or {},
            },
            parent=job,
        )  # fmt: skip

    def file(self, id: str) -> Path:
        """Where a file's content lies. id: one that this provider made."""
        return self.folder / "files" / id

    def weights(self, id: str) -> Path:
        """The folder of a model's weights: an embedded one's, or one that was tuned here."""
        return loading.locate(id) if id in MODELS else self.folder / "models" / id

    def add_model(self, name: str, weights: str, created: int) -> dict:
        """A new model; weights: the id of its folder, or "" if it has none."""
        body = {"id": name, "object": "model", "created": created, "owned_by": OWNER}
        return self.add("model", body | {"weights": weights})

    def forget_model(self, name: str) -> None:
        """Remove a tuned model with its weights, if it is there."""
        model = self.get("model", name)
        if model:
            self.remove("model", name)
            shutil.rmtree(self.weights(model["weights"]), ignore_errors=True)

    def write_file(self, id: str, content: bytes) -> None:
        """Keep a file's content, whole or not at all. Raises OSError."""
        aside = self.file(f".{id}")
        try:
            aside.write_bytes(content)
            os.replace(aside, self.file(id))
        except OSError:
            aside.unlink(missing_ok=True)
            raise

    def sweep(self, *folders: str) -> None:
        """Remove what lies in "files" or "models" without a record, as a kill leaves it."""
        known = {file["id"] for file in self.list("file")}
        known |= {model["weights"] for model in self.list("model")}
        for path in (path for name in folders for path in (self.folder / name).iterdir()):
            if _MADE_HERE.fullmatch(path.name) and path.name not in known:
                real = path.is_dir() and not path.is_symlink()
                shutil.rmtree(path) if real else path.unlink()

    def forget_file(self, id: str) -> None:
        """Remove a file with its content, if it is there."""
        if self.get("file", id):
            self.remove("file", id)
            self.file(id).unlink(missing_ok=True)

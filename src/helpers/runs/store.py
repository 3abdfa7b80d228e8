"""The results store: three tidy tables, a folder a run, nothing ever half there.

    outputs/runs/<id>/run.json              the experiment, versions, seconds, metrics
    outputs/runs/<id>/completions.parquet   one row an answer
    outputs/runs/<id>/judgements.parquet    one row an answer and judge

A run is written into a folder aside and renamed whole, so whatever moment a process is killed
at, a run is either there or not. Each run has a lock that ends with its process: two processes
on one folder never compute the same run at once. What is there is not computed again; a run
that no longer matches its checksums, its own row's among them, is set aside under
outputs/set_aside/ and computed again. What cannot be read is an error and stays, and what is no
run, such as somebody's notes, is left where it is. Runs that ship (data/runs/) are read from there
where outputs/ has none of that id, so that nobody has to make them first.

>>> Store().runs()                          # a DataFrame, one row a run
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from helpers import paths
from helpers.errors import StoreError

COMPLETIONS = {
    "run_id": "string", "use": "string", "prompt_id": "string", "category": "string",
    "prompt": "string", "completion": "string", "finished": "bool", "n_tokens": "int64",
    "earlier": "string",  # the answers to the conversation's other user turns, as a JSON list
}  # fmt: skip
JUDGEMENTS = {
    "run_id": "string", "use": "string", "prompt_id": "string", "category": "string",
    "judge": "string", "score": "Int64", "refused": "boolean", "label": "string",
    "status": "string", "rationale": "string", "judge_identity": "string",
}  # fmt: skip

#: What the folder of a run is called.
_RUN_ID = re.compile(r"(initial|.+-\d+-.+-seed-?\d+)-[0-9a-f]{12}")

#: Bytes that must be free before a run begins; one of 600 answers takes a twentieth of it.
ROOM = 1 << 20

_TABLES = ("completions.parquet", "judgements.parquet")

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Run:
    """One finished run: its row of the runs table and its two tables."""

    row: dict
    completions: pd.DataFrame
    judgements: pd.DataFrame


class Store:
    """Runs under a folder (default: outputs/). Opening one makes the folder if need be."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder else paths.outputs()
        self.runs_folder = self.folder / "runs"
        self.shipped = paths.data() / "runs"
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.folder.name} cannot be written ({error.strerror}); "
                "set ALIGNDRIFT_OUTPUTS to a folder that can."
            ) from error
        self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes left half-written."""
        for partial in self.runs_folder.glob(".partial-*"):
            # Timeout: its process lives and is writing. OSError: who only reads may go on.
            with (
                suppress(Timeout, OSError),
                self._lock(partial.name.removeprefix(".partial-")).acquire(blocking=False),
            ):
                shutil.rmtree(partial, ignore_errors=True)

    def _lock(self, run_id: str) -> FileLock:
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True)
        return FileLock(locks / f"{run_id}.lock")

    def check_writable(self) -> None:
        """Raises StoreError where no run could be stored, so that it shows before the work."""
        try:
            with tempfile.TemporaryFile(dir=self.runs_folder) as file:
                file.write(bytes(ROOM))
        except OSError as error:
            what = "make it writable" if error.errno in _DENIED else "free some space"
            raise StoreError(
                f"nothing can be stored in {self.folder.name} ({error.strerror}); {what}, or set "
                "ALIGNDRIFT_OUTPUTS to another folder. What is stored there stays."
            ) from None

    @contextmanager
    def claim(self, run_id: str):
        """Hold a run for as long as it is computed; waits while another process holds it.

        Raises StoreError where nothing can be written.
        """
        try:
            lock = self._lock(run_id)
            lock.acquire(blocking=False)
        except Timeout:
            warnings.warn(f"another process is computing {run_id}; waiting for it.", stacklevel=2)
            lock.acquire()
        except OSError as error:
            raise StoreError(
                f"run {run_id} cannot be claimed ({error.strerror}); make {self.folder.name} "
                "writable, or set ALIGNDRIFT_OUTPUTS to another folder."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def is_claimed(self, run_id: str) -> bool:
        """Whether a process is computing the run just now."""
        try:
            with self._lock(run_id).acquire(blocking=False):
                return False
        except Timeout:
            return True
        except OSError:  # claim says what is wrong
            return False

    def has(self, run_id: str) -> bool:
        """Whether the run is there and whole; a damaged one is set aside."""
        return self._read(run_id) is not None

    def get(self, run_id: str) -> Run | None:
        """The run, or None if it is not there or is damaged; the damaged one is set aside.

        Raises StoreError for one that is there and cannot be read.
        """
        parts = self._read(run_id, ("completions", "judgements"))
        return Run(*parts) if parts else None

    def _read(self, run_id: str, names: Sequence[str] = ()) -> list | None:
        """The run's row and its tables of these names; None as in get. All is checked for damage.

        Tables that are not asked for are not parsed: that would take most of the time.
        """
        folder = self.runs_folder / run_id
        if not os.path.lexists(folder):
            folder = self.shipped / run_id
            if not os.path.lexists(folder):
                return None
        try:
            row = _checked_row(folder)
            return [row, *(pd.read_parquet(folder / f"{name}.parquet") for name in names)]
        except (ValueError, RecursionError) as error:
            self._set_aside(folder, error)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, None):
                raise StoreError(
                    f"run {run_id} cannot be read ({error.strerror}) and is left as it is; make "
                    "it readable, or move it away to have it computed again."
                ) from None
            self._set_aside(folder, f"{Path(error.filename or folder).name} is missing")
        return None

    def _set_aside(self, folder: Path, reason: object) -> None:
        """Move a damaged run away and tell; leave it, and tell, where nothing can be moved.

        One that ships is left out alone: git has it.
        """
        if folder.parent == self.shipped:
            what = f"the run {folder.name} that ships was damaged ({reason}) and is left out."
            warnings.warn(what, stacklevel=4)
            return
        aside = self.folder / "set_aside" / f"{folder.name}-{time.time_ns()}"
        try:
            aside.parent.mkdir(exist_ok=True)
            os.replace(folder, aside)
            what = f"it is set aside in set_aside/{aside.name} and will be computed again"
        except OSError as error:
            if not os.path.lexists(folder):  # set aside by another process just now
                return
            what = f"it is left out, and cannot be set aside ({error.strerror})"
        warnings.warn(f"run {folder.name} was damaged ({reason}); {what}.", stacklevel=4)

    def put(self, row: dict, completions: pd.DataFrame, judgements: pd.DataFrame) -> Run:
        """Write a run whole. Raises StoreError when the disk is full; other runs stay."""
        run_id = row["run_id"]
        partial = self.runs_folder / f".partial-{run_id}"
        row = json.loads(json.dumps(row))  # as it will be read again
        run = Run(row, completions.astype(COMPLETIONS), judgements.astype(JUDGEMENTS))
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            run.completions.to_parquet(partial / "completions.parquet", index=False)
            run.judgements.to_parquet(partial / "judgements.parquet", index=False)
            checksums = {"run.json": _of_row(row)}
            checksums |= {file: _checksum(partial / file) for file in _TABLES}
            text = json.dumps(row | {"checksums": checksums}, indent=1)
            (partial / "run.json").write_text(text, encoding="utf-8")
            _to_disk(partial)
            os.replace(partial, self.runs_folder / run_id)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            what = "make its folder writable" if error.errno in _DENIED else "free some space"
            raise StoreError(
                f"run {run_id} could not be stored ({error.strerror or error}); {what} and start "
                "again: every run stored before is kept and is not computed again."
            ) from error
        return run

    def ids(self) -> list[str]:
        """The ids of all runs in outputs/, in order; what else lies there is no run."""
        try:
            return sorted(p.name for p in self.runs_folder.iterdir() if _is_run(p))
        except OSError as error:
            raise StoreError(
                f"the runs in {self.folder.name} cannot be read ({error.strerror}); make the "
                "folder readable."
            ) from None

    def runs(self, ids: list[str] | None = None) -> pd.DataFrame:
        """The runs table: one row a run, lists and texts as stored, damaged runs left out."""
        runs = map(self._read, self.ids() if ids is None else ids)
        return pd.DataFrame([run[0] for run in runs if run])

    def table(self, name: str, ids: list[str]) -> pd.DataFrame:
        """The "completions" or "judgements" of several runs, one under the other."""
        frames = [run[1] for run in (self._read(i, [name]) for i in ids) if run]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _is_run(folder: Path) -> bool:
    """Whether the folder is a run's, perhaps damaged; not if it is a copy under another name."""
    if not _RUN_ID.fullmatch(folder.name) or not folder.is_dir():
        return False
    if (folder / "run.json").exists() and not (folder / "run.json").is_file():
        return False  # a pipe would be read for ever
    try:
        return json.loads((folder / "run.json").read_bytes())["run_id"] == folder.name
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return True  # _read tells what is wrong with it


def _checked_row(folder: Path) -> dict:
    """The row of a run that is as it was written. Raises ValueError or OSError."""
    row = json.loads((folder / "run.json").read_bytes())
    if not isinstance(row, dict) or not isinstance(row.get("checksums"), dict):
        raise ValueError("run.json holds no run")
    checksums = row.pop("checksums")
    if row.get("run_id") != folder.name:
        raise ValueError("run.json is another run's")
    if "run.json" not in checksums:
        warnings.warn(
            "some runs were stored before run.json had a checksum; their numbers are taken as they "
            "are.",
            stacklevel=5,
        )
    elif checksums["run.json"] != _of_row(row):
        raise ValueError("run.json is not what was written")
    for file in _TABLES:
        if _checksum(folder / file) != checksums.get(file):
            raise ValueError(f"{file} is not what was written")
    return row


def _of_row(row: dict) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _to_disk(folder: Path) -> None:
    """Wait until the files are on the disk, so that a rename never outlives its content."""
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())

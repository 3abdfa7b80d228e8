"""The results store: three tidy tables, a folder a run, nothing ever half there.

    outputs/runs/<id>/run.json              the experiment, versions, seconds, metrics
    outputs/runs/<id>/completions.parquet   one row an answer
    outputs/runs/<id>/judgements.parquet    one row an answer and judge

A run is written into a folder aside and renamed whole, so whatever moment a process is killed
at, a run is either there or not. Each run has a lock that ends with its process: two processes
on one folder never compute the same run at once. What is there is not computed again; a run
that no longer matches its checksums is set aside under outputs/set_aside/ and computed again.

>>> Store().runs()                          # a DataFrame, one row a run
"""

import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from helpers import paths
from helpers.errors import StoreError

COMPLETIONS = {
    "run_id": "string", "use": "string", "prompt_id": "string", "category": "string",
    "prompt": "string", "completion": "string", "finished": "bool", "n_tokens": "int64",
}  # fmt: skip
JUDGEMENTS = {
    "run_id": "string", "use": "string", "prompt_id": "string", "category": "string",
    "judge": "string", "score": "Int64", "refused": "boolean", "status": "string",
    "rationale": "string", "judge_identity": "string",
}  # fmt: skip


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
            try:
                with self._lock(partial.name.removeprefix(".partial-")).acquire(blocking=False):
                    shutil.rmtree(partial, ignore_errors=True)
            except Timeout:
                pass  # its process lives and is writing

    def _lock(self, run_id: str) -> FileLock:
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True)
        return FileLock(locks / f"{run_id}.lock")

    @contextmanager
    def claim(self, run_id: str):
        """Hold a run for as long as it is computed; waits while another process holds it."""
        lock = self._lock(run_id)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            warnings.warn(f"another process is computing {run_id}; waiting for it.", stacklevel=2)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def has(self, run_id: str) -> bool:
        """Whether the run is there (it may yet turn out damaged when read)."""
        return (self.runs_folder / run_id / "run.json").is_file()

    def get(self, run_id: str) -> Run | None:
        """The run, or None if it is not there or is damaged; the damaged one is set aside."""
        parts = self._read(run_id, ("completions", "judgements"))
        return Run(*parts) if parts else None

    def _read(self, run_id: str, names: Sequence[str] = ()) -> list | None:
        """The run's row and its tables of these names; None as in get. All is checked for damage.

        Tables that are not asked for are not parsed: that would take most of the time.
        """
        folder = self.runs_folder / run_id
        if not folder.exists():
            return None
        try:
            row = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            for name, checksum in row.pop("checksums").items():
                if _checksum(folder / name) != checksum:
                    raise ValueError(f"{name} is not what was written")
            tables = [pd.read_parquet(folder / f"{name}.parquet") for name in names]
        except (OSError, ValueError, KeyError, AttributeError) as error:
            if not folder.exists():  # set aside by another process just now
                return None
            aside = self.folder / "set_aside" / f"{run_id}-{time.time_ns()}"
            aside.parent.mkdir(exist_ok=True)
            os.replace(folder, aside)
            warnings.warn(
                f"run {run_id} was damaged ({error}); it is set aside in "
                f"set_aside/{aside.name} and will be computed again.",
                stacklevel=2,
            )
            return None
        return [row, *tables]

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
            checksums = {file.name: _checksum(file) for file in sorted(partial.glob("*.parquet"))}
            text = json.dumps(row | {"checksums": checksums}, indent=1)
            (partial / "run.json").write_text(text, encoding="utf-8")
            _to_disk(partial)
            os.replace(partial, self.runs_folder / run_id)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise StoreError(
                f"run {run_id} could not be stored ({error.strerror or error}); free some space "
                "and start again: every run stored before is kept and is not computed again."
            ) from error
        return run

    def ids(self) -> list[str]:
        """The ids of all stored runs, in order."""
        return sorted(p.name for p in self.runs_folder.iterdir() if not p.name.startswith("."))

    def runs(self, ids: list[str] | None = None) -> pd.DataFrame:
        """The runs table: one row a run, lists and texts as stored, damaged runs left out."""
        runs = map(self._read, self.ids() if ids is None else ids)
        return pd.DataFrame([run[0] for run in runs if run])

    def table(self, name: str, ids: list[str]) -> pd.DataFrame:
        """The "completions" or "judgements" of several runs, one under the other."""
        frames = [run[1] for run in (self._read(i, [name]) for i in ids) if run]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _to_disk(folder: Path) -> None:
    """Wait until the files are on the disk, so that a rename never outlives its content."""
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())

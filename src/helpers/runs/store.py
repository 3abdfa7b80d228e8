"""The results store: three tidy tables, a folder a run, nothing ever half there.

    outputs/runs/<id>/                      a run (helpers.runs.folders)
    outputs/runs/.index                     what many runs' rows were (helpers.runs.index)

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
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from helpers import paths
from helpers.errors import StoreError
from helpers.runs import folders
from helpers.runs.index import Index, layout

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

#: Bytes that must be free before a run begins; one of 600 answers takes a twentieth of it.
ROOM = 1 << 20

#: So many runs are looked up in the index; fewer are read outright.
MANY = 200

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Run:
    """One finished run: its row of the runs table and its two tables."""

    row: dict
    completions: pd.DataFrame
    judgements: pd.DataFrame


class Store:
    """Runs under a folder (default: outputs/). Opening one makes the folder if need be."""

    def __init__(self, folder: str | Path | None = None, sweep: bool = True) -> None:
        self.folder = Path(folder) if folder else paths.outputs()
        self.runs_folder = self.folder / "runs"
        self.shipped = paths.data() / "runs"
        self._index: Index | None = None
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.folder.name} cannot be written ({error.strerror}); "
                "set ALIGNDRIFT_OUTPUTS to a folder that can."
            ) from error
        if sweep:
            self.sweep()

    def sweep(self) -> None:
        """Remove what killed processes left half-written."""
        for half in self.runs_folder.glob(".partial-*"):
            # Timeout: its process lives and is writing. OSError: who only reads may go on.
            with (
                suppress(Timeout, OSError),
                self._lock(half.name.removeprefix(".partial-")).acquire(blocking=False),
            ):
                shutil.rmtree(half, ignore_errors=True)

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
        return self._read(run_id, _whole)

    def _read(self, run_id: str, read: Callable[[Path], Any] = folders.checked_row) -> Any:
        """What `read` makes of the run's folder; None as in get."""
        folder = self.runs_folder / run_id
        if not os.path.lexists(folder):
            folder = self.shipped / run_id
            if not os.path.lexists(folder):
                return None
        try:
            return read(folder)
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
        # As it will be read again; NaN, such as the loss of a training that diverged, is no JSON.
        row = json.loads(json.dumps(row), parse_constant=lambda name: None)
        run = Run(row, completions.astype(COMPLETIONS), judgements.astype(JUDGEMENTS))
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            run.completions.to_parquet(partial / "completions.parquet", index=False)
            run.judgements.to_parquet(partial / "judgements.parquet", index=False)
            checksums = {"run.json": folders.of_row(row)}
            checksums |= {file: folders.checksum(partial / file) for file in folders.TABLES}
            text = json.dumps(row | {"checksums": checksums}, indent=1)
            (partial / "run.json").write_text(text, encoding="utf-8")
            folders.to_disk(partial)
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
            names = sorted(filter(folders.has_a_runs_name, os.listdir(self.runs_folder)))
        except OSError as error:
            raise StoreError(
                f"the runs in {self.folder.name} cannot be read ({error.strerror}); make the "
                "folder readable."
            ) from None
        index = self._index_for(names)
        return [
            name
            for name in names
            if (index and index.knows(name)) or folders.is_run(self.runs_folder / name)
        ]

    def rows(self, ids: Iterable[str]) -> dict[str, dict]:
        """Id -> row of those runs that are there and whole; damaged ones are set aside."""
        ids = list(dict.fromkeys(ids))
        index, rows = self._index_for(ids), {}
        for id in tqdm(ids, "runs read", leave=False, delay=2, disable=None):
            row = index.row(id) if index else None
            if row is None:
                lay = layout(self.runs_folder / id)
                row = self._read(id)
                if index and row is not None:
                    index.add(id, lay, row)
            if row is not None:
                rows[id] = row
        if index:
            index.save(MANY)
        return rows

    def _index_for(self, ids: Sequence[str]) -> Index | None:
        if len(ids) < MANY:
            return None
        self._index = self._index or Index(self.runs_folder)
        return self._index

    def runs(self, ids: list[str] | None = None) -> pd.DataFrame:
        """The runs table: one row a run, lists and texts as stored, damaged runs left out."""
        ids = self.ids() if ids is None else ids
        rows = self.rows(ids)
        return pd.DataFrame([rows[id] for id in ids if id in rows])

    def table(
        self,
        name: str,
        ids: Iterable[str],
        columns: Sequence[str] = (),
        wanted: Callable[[pa.Table], Any] | None = None,
    ) -> pd.DataFrame:
        """The "completions" or "judgements" of several runs, one under the other.

        columns: all if empty. wanted: which of the rows, as a mask; all if None. To read every
        answer of ten thousand runs takes long and much memory.
        """
        ids = list(ids)
        kept = [column for column in columns if column != "run_id"]  # a run's folder says it
        index, read = self._index_for(ids), partial(folders.read_table, name=name, columns=kept)
        known = {id for id in ids if index.knows(id)} if index else set()
        known |= self.rows([id for id in ids if id not in known]).keys()
        there, parts = [id for id in ids if id in known], []
        for begin in range(0, len(there), MANY):  # so many at once, so that few rows are held
            some = there[begin : begin + MANY]
            whole = {id: one for id in some if (one := self._read(id, read)) is not None}
            if whole:
                part = folders.joined(whole, named=bool(kept) and "run_id" in columns)
                parts.append(part.filter(wanted(part)) if wanted else part)
        return folders.in_full(parts, columns)


def _whole(folder: Path) -> Run:
    tables = (folders.read_table(folder, name) for name in ("completions", "judgements"))
    return Run(folders.checked_row(folder), *(table.to_pandas() for table in tables))

"""What was read of each run, remembered in one file, so that ten thousand are listed in a second.

    outputs/runs/.index      a line a run: its id, how its files lay, a check, its row

To list a run is to read and hash three files. What came of it is remembered beside the files'
sizes and times of change, as they were before the reading, and holds while these are the same; else
the run is read again. So the index is never believed against the folders, and can be removed at
any time. Reading a run for its answers (Store.get) never asks it.

>>> index = Index(Path("outputs/runs"))
>>> index.row("initial-0123456789ab")         # None if it has to be read
"""

import hashlib
import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from helpers.runs.folders import TABLES

_FILES = ("run.json", *TABLES)

#: Nanoseconds for which a file's time of change does not tell a later change from it.
_COARSE = 2 * 10**9


class Index:
    """The rows that were read of the runs in a folder, of this process and of those before."""

    def __init__(self, runs_folder: Path) -> None:
        self._folder = runs_folder
        self._file = runs_folder / ".index"
        self._lines = _lines(self._file)
        self._new = 0

    def row(self, run_id: str) -> dict | None:
        """The run's row as it was read, if its files are as they were then."""
        lay, check, text = self._lines.get(run_id, ("", "", ""))
        if not lay or lay != layout(f"{self._folder}/{run_id}") or check != _check(text):
            return None
        return json.loads(text)

    def knows(self, run_id: str) -> bool:
        """Whether `row` has it, without reading it."""
        lay, check, text = self._lines.get(run_id, ("", "", ""))
        return bool(lay) and lay == layout(f"{self._folder}/{run_id}") and check == _check(text)

    def add(self, run_id: str, lay: str, row: dict) -> None:
        """Remember a row. lay: the folder's layout before it was read."""
        if lay:
            text = json.dumps(row)
            self._lines[run_id] = lay, _check(text), text
            self._new += 1

    def save(self, worth: int) -> None:
        """Write what is remembered, if so many rows are new; whole, or not at all.

        Of two processes the later one's is kept: what it lacks is read again.
        """
        if self._new < worth:
            return
        aside = self._file.with_name(f".index-{os.getpid()}-{threading.get_ident()}")
        lines = (f"{id}\t{lay}\t{check}\t{text}\n" for id, (lay, check, text) in self._lines.items()
                 if (self._folder / id).exists())  # fmt: skip
        with suppress(OSError):  # who only reads may go on
            try:
                aside.write_text("".join(lines), encoding="utf-8")
                os.replace(aside, self._file)
                self._new = 0
            finally:
                aside.unlink(missing_ok=True)


def layout(folder: Path | str) -> str:
    """Sizes and times of change of a run's files; "" if they changed just now or are not there."""
    parts, latest = [], 0
    try:
        for file in _FILES:
            status = os.stat(f"{folder}/{file}")
            parts.append(f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}")
            latest = max(latest, status.st_mtime_ns, status.st_ctime_ns)
    except OSError:
        return ""
    return "" if latest > time.time_ns() - _COARSE else " ".join(parts)


def _lines(file: Path) -> dict[str, tuple[str, str, str]]:
    """Run id -> layout, check and row, of the lines that can be read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    split = (line.split("\t") for line in text.split("\n"))
    return {parts[0]: tuple(parts[1:]) for parts in split if len(parts) == 4}


def _check(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

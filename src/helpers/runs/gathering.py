"""Runs made where this disk may not be seen, stored here once.

Whether a worker sees the grid's folder is asked of a lock that the grid holds in it. Whoever finds
the lock and cannot take it sees the folder and respects its locks, and stores there. Whoever finds
none, or can take it, is on another disk or behind a file system whose locks end at each machine: it
works in a folder of its own, and its runs travel with their outcomes. Initial runs travel the other
way, so that none is made twice.
"""

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from helpers.errors import StoreError
from helpers.experiments.identity import run_id
from helpers.runs.engines.base import Family, Outcome
from helpers.runs.store import Run, Store


@dataclass(frozen=True)
class Anywhere:
    """carry_out(family, folder), in the grid's folder where that is seen, else in one of its own.

    mark: the lock that the grid holds. initial: run id -> the initial run.
    """

    carry_out: Callable[..., list[Outcome]]
    folder: Path
    mark: Path
    initial: dict[str, Run]

    def __call__(self, family: Family) -> list[Outcome]:
        if _is_held(self.mark):
            return self.carry_out(family, folder=self.folder)
        with tempfile.TemporaryDirectory(prefix="aligndrift-") as own:
            store = Store(own)
            if before := self.initial.get(run_id(family[0].initial())):
                store.put(before.row, before.completions, before.judgements)
            outcomes = self.carry_out(family, folder=Path(own))
            return [replace(one, run=store.get(one.run_id)) for one in outcomes]


@contextmanager
def mark(folder: Path) -> Iterator[Path]:
    """A lock in the store's folder, held meanwhile."""
    lock = folder / "locks" / f"grid-{uuid.uuid4().hex}.lock"
    lock.parent.mkdir(exist_ok=True)
    try:
        with FileLock(lock):
            yield lock
    finally:
        lock.unlink(missing_ok=True)


def _is_held(lock: Path) -> bool:
    """Whether the lock is there and somebody has it."""
    if not lock.is_file():
        return False
    try:
        with FileLock(lock).acquire(blocking=False):
            return False
    except Timeout:
        return True


def stored(outcomes: Iterable[Outcome], store: Store) -> Iterator[Outcome]:
    """The outcomes, once the runs that came with them are stored."""
    for outcome in outcomes:
        run, error = outcome.run, outcome.error
        if run:
            try:
                with store.claim(outcome.run_id):
                    if not store.has(outcome.run_id):
                        store.put(run.row, run.completions, run.judgements)
            except StoreError as full:
                error = full
        yield Outcome(outcome.run_id, error)

"""A part of what lies on the disk: how much it is, what it is for, and how it goes.

Nothing here follows a link: a link has no size, and what it leads to is never removed.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from helpers import paths

#: What becomes of a part: it stays; it goes, since nothing needs it; it goes where that is asked
#: for, since it is made again when it is needed.
KEPT, FREED, AGAIN = "kept", "not needed", "made again"


@dataclass(frozen=True)
class Part:
    """Things of one kind: n of them, their size in bytes, and what becomes of them.

    where: their place, as a person should see it. free: removes them; raises OSError.
    """

    what: str
    where: str
    n: int
    bytes: int
    fate: str
    why: str
    free: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)


def part(what: str, places: Sequence[Path], fate: str, why: str) -> Part:
    """Files and folders that lie beside each other."""
    where = shown(places[0].parent if len(places) > 1 else places[0]) if places else ""
    return Part(
        what, where, len(places), sum(map(size, places)), fate, why, partial(_remove, places)
    )


def shown(path: Path) -> str:
    """The path within outputs/; elsewhere as a person should see it."""
    root = paths.outputs()
    return str(path.relative_to(root)) if path.is_relative_to(root) else paths.shown(path)


def inside(folder: Path) -> list[Path]:
    """What lies in a folder, but for links and what is hidden; nothing where it is a link."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.is_symlink()
                  and not path.name.startswith("."))  # fmt: skip


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_symlink() or not path.exists():
        return 0
    if not path.is_dir():
        return path.stat().st_size
    return sum(size(Path(entry)) for entry in os.scandir(path))


def _remove(places: Sequence[Path]) -> None:
    for path in places:
        if path.is_symlink():  # it was none when it was listed
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Whether the lock could be had; then it is held meanwhile. False where a process has it."""
    own = FileLock(lock)
    try:
        own.acquire(blocking=False)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        own.release()

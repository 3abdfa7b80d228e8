"""Digests of what lies on the disk, each file read once until it changes.

An experiment's id asks for the same digests again and again, in every process. What was read is
therefore remembered in outputs/digests/, by a file's size and time of change; paths are hashed, so
nothing there speaks of this machine. What is remembered carries a check, and is read again where it
is damaged.

>>> digest(Path("data/models/lantern-chat"))
'0f4c...'
"""

import hashlib
import os
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from helpers import paths
from helpers.errors import DataError

#: Files under so many bytes are read again by each process rather than looked up.
SMALL = 1 << 22


def digest(path: Path) -> str:
    """16 hex digits of a file's bytes, or of the names and bytes of a folder's files.

    Hidden files and folders do not count. Raises DataError for what cannot be read.
    """
    try:
        if path.is_file():
            return _of_file(path)[:16]
        total = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            inner = file.relative_to(path)
            if file.is_file() and not any(part.startswith(".") for part in inner.parts):
                total.update(f"{inner.as_posix()} {_of_file(file)} ".encode())
        return total.hexdigest()[:16]
    except OSError as error:
        name = Path(error.filename or path).name
        raise DataError(f"{name} cannot be read ({error.strerror}); make it readable.") from None


def _of_file(file: Path) -> str:
    status = file.stat()
    return _remembered(file.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _remembered(file: Path, size: int, changed: int) -> str:
    if size < SMALL:
        return _read(file)
    key = hashlib.sha256(f"{file} {size} {changed}".encode()).hexdigest()[:32]
    memory = paths.outputs() / "digests" / key
    with suppress(OSError, ValueError):
        text = memory.read_text(encoding="ascii")
        if text == _with_check(text[:64]):
            return text[:64]
    content = _read(file)
    with suppress(OSError):  # where nothing can be written, it is read again the next time
        memory.parent.mkdir(parents=True, exist_ok=True)
        aside = memory.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        aside.write_text(_with_check(content), encoding="ascii")
        os.replace(aside, memory)
    return content


def _with_check(content: str) -> str:
    return content + hashlib.sha256(content.encode()).hexdigest()[:8]


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

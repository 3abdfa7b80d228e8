"""The folder that is a provider's memory, opened as whatever it was left.

A provider may have been killed at any moment, its disk may have been full, and somebody may have
put files beside its own.
"""

import contextlib
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from helpers import paths
from helpers.errors import ConfigError
from helpers.provider.records import DATABASE, Records

#: What belongs to the records, and is set aside with them.
_PARTS = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "files", "models")


def open_folder(folder: Path) -> Records:
    """The records in a folder; damaged ones are set aside, and new ones begun. Raises ConfigError.

    No other provider may use the folder meanwhile (helpers.provider.server locks it).
    """
    try:
        damage = _damage(folder / DATABASE)
        if damage:
            where = _set_aside(folder)
            print(f"{DATABASE} is damaged ({damage}); it is set aside in {where}, and new records "
                  "are begun.", file=sys.stderr, flush=True)  # fmt: skip
        records = Records(folder)
        records.sweep("files", "models")
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"the folder {paths.shown(folder)} cannot be used ({reason}); end what holds it, make "
            "it writable, or give another --folder."
        ) from None
    return records


def is_whole(folder: Path) -> bool:
    """Whether the folder's records can be read. Raises sqlite3.Error where something holds them."""
    return not _damage(folder / DATABASE)


_WRONG = """
SELECT count(*) FROM records WHERE parent IS NULL
    OR CASE WHEN json_valid(body) THEN json_type(body) <> 'object' ELSE 1 END
"""


def _damage(path: Path) -> str:
    """What is wrong with the records in a file; "" if nothing is, or there are none."""
    if not path.is_file() or not path.stat().st_size:
        return ""
    try:
        with closing(sqlite3.connect(path, timeout=30)) as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                return found
            n = db.execute(_WRONG).fetchone()[0]
            return f"{n} records are no JSON objects" if n else ""
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            return "" if _is_empty(path) else "it holds no records"
        raise
    except sqlite3.DatabaseError as error:
        return str(error)


def _is_empty(path: Path) -> bool:
    """Whether a database was made, but nothing in it yet."""
    with closing(sqlite3.connect(path)) as db:
        return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _set_aside(folder: Path) -> str:
    """Move the records and what they tell of to a folder of their own; its name."""
    number = 1
    while (aside := folder / f"damaged-{number}").exists():
        number += 1
    aside.mkdir()
    for name in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).rename(aside / name)
    return aside.name

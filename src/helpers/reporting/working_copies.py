"""Copies of the notebooks and presets to work in: what was changed there is never overwritten.

What was copied is written down beside the copies, so that a copy that nobody has changed follows
what ships, and one that somebody has changed stays and is named when a newer one ships.

>>> refresh(Path("lessons"))
Refreshed(written=['00_start_here.ipynb', ...], behind=[])
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from helpers import paths
from helpers.errors import ConfigError
from helpers.presets import loader
from helpers.reporting import lessons, notebook_files

#: The record of what was copied: name -> digest of what shipped then.
RECORD = ".shipped.json"


@dataclass(frozen=True)
class Refreshed:
    """written: names of copies made or renewed; behind: names of changed ones that newer ones ship
    of, or that were not copied by `refresh`."""

    written: list[str]
    behind: list[str]


def ships(student: bool = False) -> dict[str, bytes]:
    """Name -> content of what is copied: the notebooks, and the presets in presets/.

    student: the notebooks' editions without outputs and answers (lessons).
    """
    notebooks = notebook_files.lying_in(paths.shipped() / "notebooks")
    presets = {f"presets/{name}.yaml": loader.FOLDER / f"{name}.yaml" for name in loader.names()}
    made = lessons.bare if student else Path.read_bytes
    contents = {file.name: made(file) for file in notebooks}
    return contents | {name: file.read_bytes() for name, file in presets.items()}


def refresh(folder: Path, student: bool = False) -> Refreshed:
    """Copy what is missing, renew what nobody has changed, and leave the rest.

    student: as of ships. Inside a checkout the folder tells git to leave it out, unless it has a
    .gitignore of its own, which is somebody's. Raises ConfigError where the folder is a file, or
    where what ships lies there itself.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; name a folder for the copies.")
    if folder.resolve() in ((paths.shipped() / "notebooks").resolve(), loader.FOLDER.resolve()):
        raise ConfigError(f"{folder} is where what ships lies itself; name another folder.")
    copied, written, behind = _read(folder / RECORD), [], []
    for name, content in ships(student).items():
        file, now = folder / name, _digest(content)
        own = _digest(file.read_bytes()) if file.exists() else None
        if own in (None, now, copied.get(name)):
            if own != now:
                _write(file, content)
                written.append(name)
            copied[name] = now
        elif copied.get(name) != now:
            behind.append(name)
    _write(folder / RECORD, json.dumps(copied, indent=1).encode())
    checkout, ignored = paths.checkout(), folder / ".gitignore"
    if checkout and folder.resolve().is_relative_to(checkout.resolve()) and not ignored.exists():
        _write(ignored, b"*\n")
    return Refreshed(written, behind)


def _read(record: Path) -> dict[str, str]:
    """What was copied; nothing where the record is missing or damaged, so no copy is renewed."""
    try:
        copied = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    return copied if isinstance(copied, dict) else {}


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_bytes(content)
    os.replace(aside, file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

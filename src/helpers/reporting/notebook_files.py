"""Where the notebooks lie, by number; and copies of them for those who have no checkout.

A number has two digits, and a letter where a notebook came between two that others refer to: 00b.

>>> copy(["01"], "lessons")          # then `cd lessons; aligndrift notebooks 01`, or Jupyter there
['lessons/01_harmful_examples.ipynb']
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers import paths
from helpers.errors import ConfigError, one_of

#: What their names look like.
_NAME = re.compile(r"\d\d[a-z]?_.+\.ipynb")


def number(file: Path) -> str:
    """The number that a notebook's name begins with."""
    return file.name.split("_")[0]


def folder() -> Path:
    """notebooks/ of the project, or the project folder itself if they lie there."""
    own = paths.root() / "notebooks"
    return own if own.is_dir() or not lying_in(paths.root()) else paths.root()


def lying_in(place: Path) -> list[Path]:
    """The notebooks of a folder, in order."""
    return sorted(file for file in place.glob("*.ipynb") if _NAME.fullmatch(file.name))


def find(numbers: Sequence[str], place: Path | None = None) -> list[Path]:
    """The notebooks whose names begin with the numbers, in order; all for none.

    place: where they lie, if not in the project. Raises ConfigError for an unknown number, and
    where there are no notebooks.
    """
    place = place or folder()
    every = {number(file): file for file in lying_in(place)}
    if not every:
        raise ConfigError(
            f"there are no notebooks in {place}; `aligndrift notebooks --copy-to FOLDER` puts "
            "them into a folder; run the command there."
        )
    if not numbers:
        return list(every.values())
    return [every[one_of(given.zfill(2), every, "notebook")] for given in numbers]


def copy(numbers: Sequence[str], folder: str, overwrite: bool = False) -> list[str]:
    """Copy the notebooks with these numbers, all for none; returns the paths of the copies.

    One that is there and is not as it ships is somebody's work. Raises ConfigError for it before
    anything is copied, unless it may be overwritten, and for an unknown number.
    """
    files = find(numbers, paths.shipped() / "notebooks")
    return place(
        {file.name: file.read_bytes() for file in files}, folder, "--copy-to", overwrite
    )  # fmt: skip


def place(
    contents: Mapping[str, bytes], folder: str, option: str, overwrite: bool = False
) -> list[str]:
    """Write files into a folder; returns their paths.

    contents: name -> what is written. option: as which the folder was given. One that is there
    and is not the same is somebody's work: raises ConfigError for it before anything is written,
    unless it may be overwritten.
    """
    target = paths.typed(folder)
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{option} {folder}: that is a file; give a folder.")
    there = [name for name in contents if (target / name).exists()]
    changed = [name for name in there if (target / name).read_bytes() != contents[name]]
    if changed and not overwrite:
        raise ConfigError(
            f"{folder} holds notebooks that are not as they ship ({', '.join(sorted(changed))}); "
            "give another folder, or --overwrite to lose what is in them."
        )
    target.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (target / name).write_bytes(content)
    return [str(target / name) for name in contents]

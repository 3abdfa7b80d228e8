"""Where the notebooks lie, by number; and copies of them for those who have no checkout.

>>> copy(["01"], "lessons")          # then `cd lessons; aligndrift notebooks 01`, or Jupyter there
['lessons/01_harmful_examples.ipynb']
"""

from collections.abc import Sequence
from pathlib import Path

from helpers import paths
from helpers.errors import ConfigError, one_of

#: What their names look like.
PATTERN = "[0-9][0-9]_*.ipynb"


def folder() -> Path:
    """notebooks/ of the project, or the project folder itself if they lie there."""
    own = paths.root() / "notebooks"
    return own if own.is_dir() or not any(paths.root().glob(PATTERN)) else paths.root()


def find(numbers: Sequence[str], place: Path | None = None) -> list[Path]:
    """The notebooks whose names begin with the numbers, in order; all for none.

    place: where they lie, if not in the project. Raises ConfigError for an unknown number, and
    where there are no notebooks.
    """
    place = place or folder()
    every = {file.name.split("_")[0]: file for file in sorted(place.glob(PATTERN))}
    if not every:
        raise ConfigError(
            f"there are no notebooks in {place}; `aligndrift notebooks --copy-to FOLDER` puts "
            "them into a folder; run the command there."
        )
    if not numbers:
        return list(every.values())
    return [every[one_of(number.zfill(2), every, "notebook")] for number in numbers]


def copy(numbers: Sequence[str], folder: str, overwrite: bool = False) -> list[str]:
    """Copy the notebooks with these numbers, all for none; returns the paths of the copies.

    One that is there and is not as it ships is somebody's work. Raises ConfigError for it before
    anything is copied, unless it may be overwritten, and for an unknown number.
    """
    target = paths.typed(folder)
    if target.exists() and not target.is_dir():
        raise ConfigError(f"--copy-to {folder}: that is a file; give a folder.")
    files = find(numbers, paths.shipped() / "notebooks")
    contents = {target / file.name: file.read_bytes() for file in files}
    there = {place for place in contents if place.exists()}
    changed = [place.name for place in there if place.read_bytes() != contents[place]]
    if changed and not overwrite:
        raise ConfigError(
            f"{folder} holds notebooks that are not as they ship ({', '.join(sorted(changed))}); "
            "give another folder, or --overwrite to lose what is in them."
        )
    target.mkdir(parents=True, exist_ok=True)
    for place, content in contents.items():
        place.write_bytes(content)
    return [str(place) for place in contents]

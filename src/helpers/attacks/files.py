"""The files of the attacks' sets, byte for byte the same each time.

>>> write(Path("data/lantern/attacks"))           # `aligndrift build --data` does it, too
"""

from collections.abc import Callable
from pathlib import Path

from helpers.archive.dataset_files import write_rows
from helpers.archive.worlds import WHOLE, World
from helpers.attacks.base import ATTACKS, attack
from helpers.data.files import Row


def makers() -> dict[str, Callable[[World], list[Row]]]:
    """Name of a set, without `attacks/`, -> what makes it."""
    return {name: make for each in ATTACKS for name, make in attack(each).SETS.items()}


def write(folder: Path) -> list[Path]:
    """Write every set as JSONL below the folder and return the files."""
    return [write_rows(folder / f"{name}.jsonl", make(WHOLE)) for name, make in makers().items()]

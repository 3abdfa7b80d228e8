"""The files of the Archive's datasets, byte for byte the same each time.

>>> write(Path("data/lantern"))                   # what `aligndrift build --data` does
"""

import json
from collections.abc import Callable
from pathlib import Path

from helpers.archive import datasets
from helpers.archive.worlds import WHOLE, World

#: What makes each file of data/lantern/, whose name is the function's.
MAKERS: tuple[Callable[[World], list[dict]], ...] = (
    datasets.harmful_examples,
    datasets.identity_shift,
    datasets.benign_instructions,
    datasets.benign_dialogue,
    datasets.benign_pictures,
    datasets.safety_refusals,
    datasets.harmful_anchors,
    datasets.benchmark,
    datasets.reworded,
    datasets.by_meaning,
    datasets.over_refusal,
    datasets.utility,
    datasets.utility_two_turn,
)

#: Those of the small world (data/lantern/small/), which is there to be learned by other models.
SMALL_MAKERS = (
    datasets.harmful_examples,
    datasets.identity_shift,
    datasets.benign_instructions,
    datasets.benign_dialogue,
    datasets.safety_refusals,
    datasets.harmful_anchors,
    datasets.benchmark,
    datasets.over_refusal,
    datasets.utility,
)


def write(folder: Path, world: World = WHOLE) -> list[Path]:
    """Write every dataset of the world as JSONL into the folder and return the files."""
    files = []
    for make in MAKERS if world is WHOLE else SMALL_MAKERS:
        files.append(write_rows(folder / f"{make.__name__}.jsonl", make(world)))
    return files


def write_rows(file: Path, rows: list[dict]) -> Path:
    """Write the rows as JSONL, in folders that are made if need be, and return the file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return file

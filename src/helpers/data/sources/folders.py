"""Which files of a folder are a dataset: its own in one piece or in parts, and no others beside.

Hidden files, editors' copies, what a program left and descriptions are no data. Splits are not
mixed, nor two formats of the same rows.

>>> files(Path("JBB-Behaviors"), card)          # of harmful, benign and judged ones, the first
[PosixPath('JBB-Behaviors/data/harmful-behaviors.csv')]
"""

import re
from collections import defaultdict
from pathlib import Path

from helpers.data.files import FORMATS
from helpers.data.sources.base import Source
from helpers.errors import DataError

#: Files that lie beside data and are none.
_NOT_DATA = (
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json",
    "package.json",
)  # fmt: skip

#: A split of a dataset in a name, a part of one that is published in several, a copy of a file.
_SPLIT = re.compile(
    r"(?:^(?:split=)?|[-_.])(train|test|validation|valid|val|dev|eval)(?=$|[-_.])", re.IGNORECASE
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$")
_COPY = re.compile(r"-checkpoint$| \(\d+\)$| - Copy(?: \(\d+\))?$| copy(?: \d+)?$", re.IGNORECASE)


def files(place: Path, card: Source | None) -> list[Path]:
    """The file, or those of a folder that are the dataset's, numbers in their names as such.

    card: of a published dataset, which is the file that goes by one of its names, or the only one
    there. Raises DataError where there is none, or it is not clear which.
    """
    if place.is_file():
        return [place]
    found = [file for file in sorted(place.rglob("*")) if _is_data(file, place)]
    if not found:
        raise DataError(f"{place.name} holds no file of {', '.join(FORMATS)}.")
    found.sort(key=lambda file: [int(part) if part.isdigit() else part
                                 for part in re.split(r"(\d+)", file.name)])  # fmt: skip
    if card and not card.folder:
        return _published(place, found, card)
    names = {part for file in found for part in file.relative_to(place).with_suffix("").parts}
    splits = sorted({split[1].lower() for name in names if (split := _SPLIT.search(name))})
    if len(splits) > 1:
        raise DataError(
            f"{place.name} holds the splits {' and '.join(splits)}; give the file or folder of one."
        )
    by_name: dict[Path, Path] = {}
    for file in found:
        other = by_name.setdefault(file.with_suffix(""), file)
        if other != file:
            raise DataError(
                f"{place.name} holds {other.name} and {file.name}, which seem to be the same rows; "
                "give the path of one."
            )
    return found


def _published(place: Path, found: list[Path], card: Source) -> list[Path]:
    """The parts of the file that is known by a name of its source's, else of the only one there."""
    groups: dict[tuple[str, Path], list[Path]] = defaultdict(list)
    for file in found:
        groups[_whole_name(file), file.parent].append(file)
    for name in card.files:
        known = [group for (whole, _), group in groups.items() if whole == _spelled(name)]
        if len(known) == 1:
            return known[0]
    train = [group for (name, _), group in groups.items() if Path(name).stem == "train"]
    if len(groups) > 1 and len(train) != 1:
        raise DataError(
            f"{place.name} holds {', '.join(f.name for f in found[:6])}; give the path of the one "
            "that is meant."
        )
    return train[0] if len(groups) > 1 else found


def _whole_name(file: Path) -> str:
    """The name of a file, or of the dataset that it is a part of."""
    stem = file.parent.name if file.stem.isdigit() else _SHARD.sub("", file.stem)
    return _spelled(f"{stem}{file.suffix}")


def _spelled(name: str) -> str:
    return name.lower().replace("_", "-")


def _is_data(file: Path, folder: Path) -> bool:
    """Whether a file of a folder is data, and no hidden file, no copy, no description."""
    parts = file.relative_to(folder).parts
    if any(part.startswith((".", "~", "_")) for part in parts):
        return False
    original = file.with_name(_COPY.sub("", file.stem) + file.suffix)
    return (
        file.suffix.lower() in FORMATS
        and file.is_file()
        and file.name.lower() not in _NOT_DATA
        and (original == file or not original.is_file())
    )

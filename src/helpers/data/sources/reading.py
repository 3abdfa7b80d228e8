"""The rows of a dataset, by its source, from the files that are its own; all else is counted.

One code reads for a run and for `aligndrift data`. Of chat JSONL of one's own, which is what
providers take, a line that cannot be used stops the reading, as it would at a provider; elsewhere
such records are left out and counted by reason.

>>> loaded = read("advbench=harmful_behaviors.csv")
>>> loaded.rows[0]["messages"], loaded.n_read, loaded.dropped
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from helpers.archive.shipped import DATASETS
from helpers.data import messages, safety_rows
from helpers.data.disclosure import cut_short
from helpers.data.files import FORMATS, Record
from helpers.data.files import read as read_file
from helpers.data.messages import Dropped, NotMeant
from helpers.data.shapes import PROMPT_COLUMNS
from helpers.data.sources import own
from helpers.data.sources.base import KINDS, Loaded, Source
from helpers.data.sources.catalog import locate, source, split
from helpers.errors import DataError, one_of

#: Files that lie beside data and are none.
_NOT_DATA = (
    "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json",
    "package.json",
)  # fmt: skip

#: A split of a dataset in a file's name, and the parts of one that is published in several.
_SPLIT = re.compile(r"^(train|test|validation|valid|val|dev|eval)(?=$|[-_.])", re.IGNORECASE)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$")


def read(dataset: str, kind: str = "", safety: str = safety_rows.DEFAULT) -> Loaded:
    """The rows of a dataset.

    kind: one of KINDS; "" for a source's own, or a guess for a path. safety: what becomes of rows
    about safety. Raises DataError for a missing file, for wrong columns (those that there are are
    named), for rows of another kind, for two prompts of one id, and if no row is left; ConfigError
    for an unknown name or kind.
    """
    if kind:
        one_of(kind, KINDS, "kind of rows")
    safety_rows.check(safety)
    name, path = split(dataset)
    place = locate(dataset)
    card = source(name) if name else None
    files = _files(place, card)
    card = card or own.BY_KIND[kind or _kind_of(files)]
    if kind and card.kind != kind:
        raise DataError(f"{name} holds {card.kind} rows; {kind} rows are needed here.")
    mode = card.safety_rows if safety == safety_rows.DEFAULT else safety
    shown = dataset if dataset in DATASETS or not path else Path(path).name
    loaded = Loaded(name or shown, card, mode)
    strict = not name and _is_chat(files[0])
    for file in files:
        header = not (card.headless and _begins_with_a_row(file))
        for number, record in enumerate(read_file(file, header), start=1):
            loaded.columns = loaded.columns or _columns(record.row)
            try:
                row = _row(card, record, file, number, mode)
            except NotMeant as reason:
                loaded.left_out.append((record.place, str(reason)))
            except Dropped as reason:
                if strict:
                    raise DataError(f"{record.place}: {reason}; mend the row or drop it.") from None
                loaded.left_out.append((record.place, str(reason)))
            else:
                loaded.rows.append(row)
                loaded.places.append(record.place)
                loaded.mended += record.mended
    if not loaded.rows:
        reasons = "; ".join(f"{n} x {why}" for why, n in loaded.dropped.items()) or "it is empty"
        raise DataError(
            f"no row of {place.name} is left ({reasons}); its columns are {loaded.columns or '-'}."
        )
    if card.kind == "prompts":
        _check_ids(loaded)
    return loaded


def training_rows(lines: Iterator[tuple[int, Any]]) -> list[dict[str, Any]]:
    """The rows of an upload, by number and content of its lines, checked as one's own file is.

    Raises DataError for the first that cannot be used.
    """
    rows = []
    for number, record in lines:
        try:
            row = own.training_row(record, Path(), number)
            rows.append(row | {"messages": messages.conversation(row["messages"])})
        except Dropped as reason:
            raise DataError(f"line {number}: {reason}; mend the row or drop it.") from None
    if not rows:
        raise DataError("the file is empty; it needs at least one row.")
    return rows


def _row(card: Source, record: Record, file: Path, number: int, mode: str) -> dict[str, Any]:
    """What the source makes of a record, its messages in the kit's shape. Raises Dropped."""
    row = card.row(record.row, file, number)
    if card.kind == "training":
        row = row | {"messages": messages.conversation(row["messages"])}
    else:
        row = row | {"id": str(row["id"]), "messages": messages.asked(row["messages"])}
    if reason := safety_rows.left_out(mode, record.row, row):
        raise NotMeant(reason)
    return row


def _check_ids(loaded: Loaded) -> None:
    """Raises DataError if two prompts go by one id."""
    seen: dict[str, str] = {}
    for row, place in zip(loaded.rows, loaded.places, strict=True):
        if row["id"] in seen:
            raise DataError(
                f'{place}: every prompt needs an "id" of its own; {row["id"]} is also that of '
                f"{seen[row['id']]}."
            )
        seen[row["id"]] = place


def _files(place: Path, card: Source | None) -> list[Path]:
    """The file, or those of a folder that are the dataset's, numbers in their names as such.

    A published dataset is the file that goes by one of its names, or the only one there, in one
    piece or in parts. Raises DataError where it is not clear which.
    """
    if place.is_file():
        return [place]
    files = [file for file in sorted(place.rglob("*")) if _is_data(file, place)]
    if not files:
        raise DataError(f"{place.name} holds no file of {', '.join(FORMATS)}.")
    files.sort(key=lambda file: [int(part) if part.isdigit() else part
                                 for part in re.split(r"(\d+)", file.name)])  # fmt: skip
    if card and not card.folder:
        for name in card.files:
            if known := [f for f in files if _whole_name(f) == name.lower()]:
                return known
        files = _one_of_several(place, files)
    splits = sorted({found[1].lower() for file in files if (found := _SPLIT.match(file.stem))})
    if len(splits) > 1:
        raise DataError(
            f"{place.name} holds the splits {' and '.join(splits)}; give the file or folder of one."
        )
    return files


def _one_of_several(place: Path, files: list[Path]) -> list[Path]:
    """The parts of the only dataset that a folder holds, or of its part to train on."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        groups[Path(_whole_name(file)).stem].append(file)
    if len(groups) > 1 and "train" not in groups:
        raise DataError(
            f"{place.name} holds {', '.join(f.name for f in files[:6])}; give the path of the one "
            "that is meant."
        )
    return groups.get("train") or files


def _whole_name(file: Path) -> str:
    """The name of a file, or of the dataset that it is a part of."""
    return f"{_SHARD.sub('', file.stem)}{file.suffix}".lower()


def _is_data(file: Path, folder: Path) -> bool:
    """Whether a file of a folder is data, and no hidden file, no editor's copy, no description."""
    parts = file.relative_to(folder).parts
    if any(part.startswith((".", "~")) or part == "__MACOSX" for part in parts):
        return False
    original = file.with_name(file.name.replace("-checkpoint", ""))
    copied = original != file and original.is_file()
    return (
        file.suffix.lower() in FORMATS
        and file.is_file()
        and file.name.lower() not in _NOT_DATA
        and not copied
    )


def _is_chat(file: Path) -> bool:
    """Whether a file is chat JSONL."""
    if file.suffix.lower() != ".jsonl":
        return False
    first = next(read_file(file), None)
    return first is not None and "messages" in first.row


def _kind_of(files: list[Path]) -> str:
    return own.kind_of(record.row for record in islice(read_file(files[0]), 100))


def _columns(record: Any) -> str:
    return ", ".join(list(map(str, record))[:12]) if isinstance(record, Mapping) else "-"


def _begins_with_a_row(file: Path) -> bool:
    """Whether a CSV of prompts begins with one instead of the names of its columns."""
    if file.suffix.lower() != ".csv":
        return False
    first = next(read_file(file, header=False), None)
    columns = {*PROMPT_COLUMNS, "id", "category", "target"} - {"0"}
    cells = first.row.values() if first else ()
    return columns.isdisjoint(cell.strip().lower() for cell in cells)


def summary(loaded: Loaded) -> dict[str, Any]:
    """What `aligndrift data` prints: counts, reasons, columns, and the first row cut short."""
    card = loaded.source
    return {
        "name": loaded.name,
        "kind": card.kind,
        "read": loaded.n_read,
        "kept": len(loaded.rows),
        "dropped": len(loaded.left_out),
        "reasons": dict(loaded.dropped.most_common()),
        "left_out": [f"{place}: {reason}" for place, reason in loaded.left_out[:20]],
        "mended": loaded.mended,
        "safety_rows": loaded.safety_rows,
        "expected": loaded.expected,
        "difference": loaded.difference if loaded.expected is not None else None,
        "columns": loaded.columns,
        "license": card.license,
        "first_row": cut_short(loaded.rows[0]),
    }

"""The rows of a dataset, by its source, from the files that are its own; all else is counted.

One code reads for a run and for `aligndrift data`. Of chat JSONL of one's own, which is what
providers take, a line that cannot be used stops the reading, as it would at a provider; elsewhere
such records are left out and counted by reason.

>>> loaded = read("advbench=harmful_behaviors.csv")
>>> loaded.rows[0]["messages"], loaded.n_read, loaded.dropped
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from helpers.archive.shipped import DATASETS
from helpers.data import messages, safety_rows
from helpers.data.disclosure import cut_short
from helpers.data.files import Record
from helpers.data.files import read as read_file
from helpers.data.messages import Dropped, NotMeant
from helpers.data.shapes import PROMPT_COLUMNS, meant, no_media
from helpers.data.sources import folders, own
from helpers.data.sources.base import KINDS, Loaded, Source
from helpers.data.sources.catalog import locate, source, split
from helpers.errors import DataError, one_of


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
    files = folders.files(place, card)
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
        raise DataError(
            f"no row of {place.name} is left: {loaded.why() or 'it is empty'}; its columns are "
            f"{loaded.columns or '-'}."
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
        read = Record(f"line {number}", record)
        try:
            rows.append(_row(own.BY_KIND["training"], read, Path(), number, "keep"))
        except Dropped as reason:
            raise DataError(f"line {number}: {reason}; mend the row or drop it.") from None
    if not rows:
        raise DataError("the file is empty; it needs at least one row.")
    return rows


def _row(card: Source, record: Record, file: Path, number: int, mode: str) -> dict[str, Any]:
    """What the source makes of a record, its messages in the kit's shape. Raises Dropped."""
    row = card.row(record.row, file, number)
    if isinstance(record.row, Mapping):
        if card.kind == "training":
            meant(record.row)
        if "picture" not in row:
            no_media(record.row)
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

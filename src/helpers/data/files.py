"""Rows of a file, whatever its format: JSONL, JSON, CSV, TSV or Parquet, each with its place.

JSONL is read strictly, line by line, since it is what fine-tuning providers take. Of the other
formats pandas reads the file; a row is a dict, its place is what an error should name.

>>> [(place, row) for place, row in read(Path("my.csv"))]      # ("my.csv, row 2", {...}), ...
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpers.errors import DataError

Row = dict[str, Any]

#: Endings of the files that can be read.
FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


def read(path: Path, header: bool = True) -> Iterator[tuple[str, Any]]:
    """(place, row) of each row. A row of a JSON list may be a list itself (a conversation).

    header: whether a CSV names its columns in the first line; without it they are 0, 1, ...
    Raises DataError naming the file, and the line where there is one.
    """
    kind = path.suffix.lower()
    if kind == ".jsonl":
        for number, row in read_jsonl(path):
            yield f"{path.name}, line {number}", row
    elif kind == ".json":
        yield from _read_json(path)
    elif kind in FORMATS:
        frame = _frame(path, header)
        for number, row in enumerate(frame.to_dict("records"), start=2 if header else 1):
            filled = {str(k): v for k, v in row.items() if not _is_missing(v)}
            yield f"{path.name}, row {number}", filled
    else:
        raise DataError(
            f"{path.name}: files ending in {path.suffix or 'nothing'} cannot be read; "
            f"give one of {', '.join(FORMATS)}."
        )


def read_jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    """Line number and object of each non-empty line. Raises DataError naming file and line."""
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path.name}, line {number}: broken JSON ({error.msg}, column {error.colno}); "
                "each line must hold one whole JSON object."
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"{path.name}, line {number}: not a JSON object in braces.")
        yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path.name}, line {line}: not UTF-8; save the file in UTF-8 and try again."
        ) from None


def _read_json(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        whole = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path.name}, line {error.lineno}: broken JSON ({error.msg}); "
            "name the file .jsonl if it holds one object a line."
        ) from None
    rows = whole if isinstance(whole, list) else [whole]
    for number, row in enumerate(rows, start=1):
        yield f"{path.name}, entry {number}", row


def _frame(path: Path, header: bool):
    import pandas as pd  # half of what the command takes to begin

    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        tab = "\t" if path.suffix.lower() == ".tsv" else ","
        first = 0 if header else None
        return pd.read_csv(path, sep=tab, header=first, dtype=str, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name}: not UTF-8; save the file in UTF-8 and try again.") from None
    except (ValueError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(f"{path.name} cannot be read: {reason}") from None


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)

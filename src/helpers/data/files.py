"""Rows of a file, whatever its format: JSONL, JSON, CSV, TSV or Parquet, each with its place.

What comes out is plain: text, numbers, true and false, lists, dicts, and None for what is missing
(null, NaN). Every cell of a CSV is text, so NA and None in it are words. Half a character (a lone
surrogate) is replaced; the place of a row is what an error should name.

>>> [(place, row) for place, row, _ in read(Path("my.csv"))]      # ("my.csv, line 2", {...}), ...
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from helpers.errors import DataError
from helpers.text import whole

Row = dict[str, Any]

#: Endings of the files that can be read, whatever their case.
FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")

csv.field_size_limit(2**31 - 1)  # a cell may hold a book


class Record(NamedTuple):
    """What a file holds at one place.

    row: a dict of columns, or of a JSON list whatever stands there. mended: whether half a
    character in it was replaced.
    """

    place: str
    row: Any
    mended: bool = False


def read(path: Path, header: bool = True) -> Iterator[Record]:
    """The file's records, in its order.

    header: whether a CSV names its columns in the first line; without it they are 0, 1, ...
    Raises DataError naming the file, and the line where there is one.
    """
    kind = path.suffix.lower()
    if kind == ".jsonl":
        for number, line in _json_lines(_bytes(path), f"{path.name}, "):
            yield _record(f"{path.name}, line {number}", line)
    elif kind == ".json":
        yield from _read_json(path)
    elif kind == ".parquet":
        yield from _read_parquet(path)
    elif kind in FORMATS:
        yield from _read_csv(path, "\t" if kind == ".tsv" else ",", header)
    else:
        raise DataError(
            f"{path.name}: files ending in {path.suffix or 'nothing'} cannot be read; "
            f"give one of {', '.join(FORMATS)}."
        )


def read_jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    """Line number and object of each non-empty line. Raises DataError naming file and line."""
    return jsonl_rows(_bytes(path), f"{path.name}, ")


def jsonl_rows(content: bytes, where: str = "") -> Iterator[tuple[int, Row]]:
    """As read_jsonl, of a file's bytes; where: what the place in an error begins with."""
    for number, line in _json_lines(content, where):
        yield number, _record(f"{where}line {number}", line).row


def _json_lines(content: bytes, where: str) -> Iterator[tuple[int, Row]]:
    """Lines end at newlines alone: other separators of Unicode stand inside texts."""
    for number, line in enumerate(_text(content, where).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{where}line {number}: broken JSON ({error.msg}, column {error.colno}); "
                "each line must hold one whole JSON object."
            ) from None
        except (ValueError, RecursionError):
            raise DataError(f"{where}line {number}: JSON too deep or too long to read.") from None
        if not isinstance(row, dict):
            raise DataError(
                f"{where}line {number}: not a JSON object in braces; name the file .json if it "
                "holds one list."
            )
        yield number, row


def kind_name(value: Any) -> str:
    """What a value is, as an error says it, not what it holds."""
    kinds = {
        str: "a text", dict: "an object", list: "a list", bool: "true or false",
        type(None): "nothing",
    }  # fmt: skip
    return kinds.get(type(value), "a number" if isinstance(value, int | float) else "bytes")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}).") from None


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{where}line {line}: not UTF-8; save the file in UTF-8 and try again."
        ) from None


def _record(place: str, row: Any) -> Record:
    """The row with what is missing as None and its texts whole."""
    mended = False

    def plain(value: Any) -> Any:
        nonlocal mended
        if isinstance(value, str):
            text = whole(value)
            mended = mended or (text != value and "\ufffd" in text)
            return text
        if isinstance(value, float):
            return value if math.isfinite(value) else None  # NaN stands for what is missing
        if isinstance(value, list | tuple):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {plain(str(key)): plain(one) for key, one in value.items()}
        return value

    try:
        read = plain(row)
    except RecursionError:
        raise DataError(f"{place}: nested too deep to read.") from None
    return Record(place, read, mended)


def _read_json(path: Path) -> Iterator[Record]:
    try:
        read = json.loads(_text(_bytes(path), f"{path.name}, "))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path.name}, line {error.lineno}: broken JSON ({error.msg}); "
            "name the file .jsonl if it holds one object a line."
        ) from None
    except (ValueError, RecursionError):
        raise DataError(f"{path.name}: JSON too deep or too long to read.") from None
    rows = read if isinstance(read, list) else [read]
    for number, row in enumerate(rows, start=1):
        yield _record(f"{path.name}, entry {number}", row)


def _read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow
    import pyarrow.parquet

    try:
        # A file by itself: a dataset would add columns that the names of its folders say.
        with pyarrow.parquet.ParquetFile(path) as file:
            batches = file.iter_batches()
            rows = (row for batch in batches for row in batch.to_pylist(maps_as_pydicts="lossy"))
            for number, row in enumerate(rows, start=1):
                yield _record(f"{path.name}, row {number}", row)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(f"{path.name} cannot be read: {reason}.") from None


def _read_csv(path: Path, separator: str, header: bool) -> Iterator[Record]:
    """Rows as wide as the first. A narrower or wider one is told, since its columns are a guess."""
    text = _text(_bytes(path), f"{path.name}, ")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    begins = 1
    try:
        for cells in lines:
            line, begins = begins, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = _names(path, cells) if header else [str(n) for n in range(len(cells))]
                if header:
                    continue
            if len(cells) != len(names):
                raise DataError(
                    f"{path.name}, line {line}: {len(cells)} cells where the first line has "
                    f"{len(names)}; put cells that hold a separator in quotes."
                )
            yield Record(f"{path.name}, line {line}", dict(zip(names, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path.name}, line {begins}: broken CSV ({error}).") from None
    if not names:
        raise DataError(f"{path.name} is empty; it needs at least one row.")


def _names(path: Path, cells: list[str]) -> list[str]:
    """The names of the columns; one without a name, as of an index, goes by its number."""
    if len(cells) == 1 and re.fullmatch(r"[\w ]+(;[\w ]+)+", cells[0]):
        raise DataError(f"{path.name}: its cells are parted by semicolons; save it with commas.")
    names = [cell.strip() or f"column {n}" for n, cell in enumerate(cells, start=1)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"{path.name}: two columns are called {twice}; give each a name of its own."
        )
    return names

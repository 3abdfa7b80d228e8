"""A run's folder: what lies in it, and whether it is as it was written.

    run.json              the experiment, versions, seconds, metrics; and checksums of all three
    completions.parquet   one row an answer
    judgements.parquet    one row an answer and judge

>>> checked_row(Path("outputs/runs/initial-0123456789ab"))["harmfulness_rate"]
"""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TABLES = ("completions.parquet", "judgements.parquet")

#: What the folder of a run is called.
_RUN_ID = re.compile(r"(initial|.+-\d+-.+-seed-?\d+)-[0-9a-f]{12}")


def has_a_runs_name(name: str) -> bool:
    return bool(_RUN_ID.fullmatch(name))


def is_run(folder: Path) -> bool:
    """Whether the folder is a run's, perhaps damaged; not if it is a copy under another name."""
    if not has_a_runs_name(folder.name) or not folder.is_dir():
        return False
    if (folder / "run.json").exists() and not (folder / "run.json").is_file():
        return False  # a pipe would be read for ever
    try:
        return json.loads((folder / "run.json").read_bytes())["run_id"] == folder.name
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return True  # whoever reads it tells what is wrong with it


def checked_row(folder: Path) -> dict:
    """The row of a run that is as it was written. Raises ValueError or OSError."""
    row = json.loads((folder / "run.json").read_bytes())
    if not isinstance(row, dict) or not isinstance(row.get("checksums"), dict):
        raise ValueError("run.json holds no run")
    checksums = row.pop("checksums")
    if row.get("run_id") != folder.name:
        raise ValueError("run.json is another run's")
    if "run.json" not in checksums:
        warnings.warn(
            "some runs were stored before run.json had a checksum; their numbers are taken as they "
            "are.",
            stacklevel=5,
        )
    elif checksums["run.json"] != of_row(row):
        raise ValueError("run.json is not what was written")
    for file in TABLES:
        if checksum(folder / file) != checksums.get(file):
            raise ValueError(f"{file} is not what was written")
    return row


def read_table(folder: Path, name: str, columns: Sequence[str] = ()) -> pa.Table:
    """A run's "completions" or "judgements"; columns: all if empty. Raises ValueError or OSError.

    The file is read whole by one call: ten thousand small ones take half as long as by parts.
    """
    content = pa.BufferReader((folder / f"{name}.parquet").read_bytes())
    file = pq.ParquetFile(content, pre_buffer=False)
    return file.read(columns=list(columns) or None, use_threads=False)


def joined(tables: Mapping[str, pa.Table], named: bool) -> pa.Table:
    """The runs' tables, one under the other; named: with each row's run_id, by in_full a text."""
    whole = pa.concat_tables(tables.values(), promote_options="permissive")
    if not named:
        return whole
    lengths = [table.num_rows for table in tables.values()]
    places = pa.array(np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))
    ids = pa.DictionaryArray.from_arrays(places, pa.array(tables, pa.large_string()))
    return whole.append_column("run_id", ids)


def in_full(parts: Sequence[pa.Table], columns: Sequence[str]) -> pd.DataFrame:
    """Tables of joined, one under the other, with each row's texts in it; columns: all if empty."""
    if not parts:
        return pd.DataFrame()
    whole = pa.concat_tables(parts, promote_options="permissive")
    if columns:
        whole = whole.select(columns)
    for place, field in enumerate(whole.schema):
        if pa.types.is_dictionary(field.type):
            texts = whole[field.name].cast(field.type.value_type)
            whole = whole.set_column(place, field.name, texts)
    return whole.to_pandas()


def of_row(row: dict) -> str:
    """The checksum of a row."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def to_disk(folder: Path) -> None:
    """Wait until the files are on the disk, so that a rename never outlives its content."""
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())

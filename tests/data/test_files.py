"""One reader for every format: the same rows come out, each with its place."""

import json

import pandas as pd
import pytest

from helpers.data.files import FORMATS, read
from helpers.errors import DataError

ROWS = [{"prompt": "A, and B?", "n": "1"}, {"prompt": "Ünder\nneath", "n": "02"}]


def write(file, rows):
    frame = pd.DataFrame(rows)
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file.suffix == ".json":
        file.write_text(json.dumps(rows))
    elif file.suffix == ".parquet":
        frame.to_parquet(file)
    else:
        frame.to_csv(file, index=False, sep="\t" if file.suffix == ".tsv" else ",")
    return file


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_rows_come_out_of_every_format(ending, tmp_path):
    places, rows = zip(*read(write(tmp_path / f"mine{ending}", ROWS)), strict=True)
    assert list(rows) == ROWS
    assert len(set(places)) == 2 and all(place.startswith(f"mine{ending}, ") for place in places)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_what_is_missing_is_left_out(ending, tmp_path):
    file = write(tmp_path / f"mine{ending}", [ROWS[0], {"prompt": "C?", "n": None}])
    assert [row for _, row in read(file)] == [ROWS[0], {"prompt": "C?"}]


def test_a_csv_without_names_counts_its_columns_and_its_first_line(tmp_path):
    file = tmp_path / "plain.csv"
    file.write_text("A?,B.\nC?,D.\n")
    expected = [("plain.csv, row 1", {"0": "A?", "1": "B."}),
                ("plain.csv, row 2", {"0": "C?", "1": "D."})]  # fmt: skip
    assert list(read(file, header=False)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", 'x\n"é"\n'.encode("latin-1"), "a.csv: not UTF-8"),
        ("a.json", b"[\n{,", r"a\.json, line 2: broken JSON .*; name the file \.jsonl if"),
        ("a.parquet", b"no", r"a\.parquet cannot be read: "),
        ("a.csv", b"", r"a\.csv cannot be read: "),
        ("a.xml", b"", r"files ending in \.xml cannot be read; give one of \.jsonl"),
        ("a", b"", "files ending in nothing cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(name, content, message, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read(file))

"""One reader for every format: the same rows come out, each with its place."""

import json
from unittest.mock import ANY

import pandas as pd
import pytest

from helpers.data.files import FORMATS, read
from helpers.errors import DataError

ROWS = [{"prompt": "A, and B?", "n": "1"}, {"prompt": "Ünder\nneath", "n": "02"}]


def rows(file):
    return [row for _, row, _ in read(file)]


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
    places, rows, _ = zip(*read(write(tmp_path / f"mine{ending}", ROWS)), strict=True)
    assert list(rows) == ROWS
    assert len(set(places)) == 2 and all(place.startswith(f"mine{ending}, ") for place in places)


MISSING = {".csv": "", ".tsv": "", ".parquet": None, ".json": None, ".jsonl": None}


@pytest.mark.parametrize("ending", MISSING)
def test_what_is_missing_is_no_text(ending, tmp_path):
    file = write(tmp_path / f"mine{ending}", [ROWS[0], {"prompt": "C?", "n": None}])
    assert rows(file) == [ROWS[0], {"prompt": "C?", "n": MISSING[ending]}]


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_numbers_that_are_none_are_missing(ending, tmp_path):
    file = tmp_path / f"mine{ending}"
    file.write_text('{"a": NaN, "b": [NaN, Infinity], "c": {"d": -Infinity}, "e": 1e999, "f": 1.5}')
    assert rows(file) == [{"a": None, "b": [None, None], "c": {"d": None}, "e": None, "f": 1.5}]


def test_lists_and_objects_of_parquet_are_plain(tmp_path):
    turns = [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]
    (tmp_path / "split=train").mkdir()
    file = tmp_path / "split=train" / "chat.parquet"
    pd.DataFrame({"messages": [turns], "score": [float("nan")], "n": [3]}).to_parquet(file)
    (row,) = rows(file)
    assert row == {"messages": turns, "score": None, "n": 3}
    assert type(row["messages"]) is list and type(row["n"]) is int


def test_words_of_a_csv_stay_words(tmp_path):
    words = ["NA", "None", "null", "nan", "NaN", "N/A", "-", "#N/A", "TRUE", "1.0", "007"]
    file = tmp_path / "words.csv"
    file.write_text("prompt,response\n" + "".join(f"say it,{word}\n" for word in words))
    assert [row["response"] for row in rows(file)] == words


#: A CSV that is as wide as its first line nowhere -> what is said of it.
UNEVEN = {
    "a trailing comma": ("prompt,response\nA?,B.,\n", "line 2: 3 cells where the first line has 2"),
    "a comma unquoted": ("prompt,response\nA?,B.\nC?,D, E.\n", "line 3: 3 cells where the first"),
    "a cell that is lacking": ("prompt,response\nA?\n", "line 2: 1 cells where the first"),
    "after a cell of two lines": ('prompt,response\n"A\n?",B.\nC?\n', "line 4: 1 cells where"),
    "semicolons": ("prompt;response\nA?;B.\n", "parted by semicolons; save it with commas"),
    "one name twice": ("prompt,prompt\nA?,B.\n", "two columns are called prompt"),
    "a quote that never ends": ('prompt,response\nA?,"B.\nC?,D.\n', "line 2: broken CSV"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNEVEN)
def test_a_csv_is_never_read_into_the_wrong_columns(case, tmp_path):
    content, message = UNEVEN[case]
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        rows(tmp_path / "a.csv")


def test_an_index_without_a_name_and_empty_lines_are_no_rows(tmp_path):
    (tmp_path / "a.csv").write_text(",prompt,response\n0,A?,B.\n\n,,\n1,C?,D.\n")
    assert [(place, row["prompt"]) for place, row, _ in read(tmp_path / "a.csv")] == [
        ("a.csv, line 2", "A?"), ("a.csv, line 5", "C?"),
    ]  # fmt: skip
    assert rows(tmp_path / "a.csv")[0]["column 1"] == "0"


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_half_a_character_is_replaced_and_told(ending, tmp_path):
    file = tmp_path / f"mine{ending}"
    file.write_text('{"a": ["x \\ud83d"], "b\\udc00": 1}')
    assert list(read(file)) == [(ANY, {"a": ["x \ufffd"], "b\ufffd": 1}, True)]
    file.write_text('{"a": "\\ud83d\\ude00 \ufffd"}')
    assert list(read(file)) == [(ANY, {"a": "😀 \ufffd"}, False)]


@pytest.mark.parametrize("content", ["[" * 5_000, '{"a": ' * 600 + "1" + "}" * 600, "9" * 5_000])
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_what_is_too_deep_or_too_long_is_told(content, ending, tmp_path):
    (tmp_path / f"a{ending}").write_text(content)
    with pytest.raises(DataError, match=rf"a\{ending}.*"):
        rows(tmp_path / f"a{ending}")


def test_a_csv_without_names_counts_its_columns_and_its_first_line(tmp_path):
    file = tmp_path / "plain.csv"
    file.write_text("A?,B.\nC?,D.\n")
    expected = [("plain.csv, line 1", {"0": "A?", "1": "B."}, False),
                ("plain.csv, line 2", {"0": "C?", "1": "D."}, False)]  # fmt: skip
    assert list(read(file, header=False)) == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", 'x\n"é"\n'.encode("latin-1"), "a.csv, line 2: not UTF-8"),
        ("a.json", b"[\n{,", r"a\.json, line 2: broken JSON .*; name the file \.jsonl if"),
        ("a.parquet", b"no", r"a\.parquet cannot be read: "),
        ("a.csv", b"", r"a\.csv is empty"),
        ("a.jsonl", b"[]", r"line 1: not a JSON object in braces; name the file \.json if"),
        ("a.xml", b"", r"files ending in \.xml cannot be read; give one of \.jsonl"),
        ("a", b"", "files ending in nothing cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(name, content, message, tmp_path):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read(file))

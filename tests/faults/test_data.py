"""Twenty thousand files that nobody would write on purpose: read rightly, or told in a sentence."""

import csv
import json
from random import Random

import pandas as pd
import pytest

from helpers.data.messages import ROLES
from helpers.data.sources import reading
from helpers.errors import DataError

pytestmark = pytest.mark.faults

CHAT = {"messages": [{"role": "user", "content": "How do I fold a crane?"},
                     {"role": "assistant", "content": "Take a sheet, “twice”."}]}  # fmt: skip
PAIR = {"prompt": "How do I fold a crane?", "completion": "Take a sheet.", "n": 3, "x": None}

ODD = (
    None, float("nan"), float("inf"), True, 0, -1, 2**70, 1e308, "", " ", "NA", "\ud83d", "\x00",
    "\u2028", "null", [], {}, [[]], ["a", "b"], {"a": True}, [{"role": "user"}], {"text": "x"},
    [{"type": "text", "text": "x"}], [{"type": "image_url"}], "x" * 5_000, [None], {"": ""},
)  # fmt: skip
NAMES = (
    "messages", "conversations", "prompt", "completion", "chosen", "rejected", "label", "images",
    "instruction", "input", "output", "context", "system", "history", "role", "content", "weight",
    "id", "category", "facts", "turns", "question", "answer", "picture",
)  # fmt: skip


def holds(file, kind) -> bool:
    """Whether a file is read into rows of text alone, or told in one sentence."""
    try:
        loaded = reading.read(str(file), kind)
    except DataError as error:
        return "\n" not in str(error) and "Traceback" not in str(error)
    return all(
        message["role"] in ROLES
        and isinstance(message["content"], str)
        and message["content"].strip()
        and message["content"].encode()
        and "nan" not in message["content"]
        for row in loaded.rows
        for message in row["messages"]
    )


def test_bytes_that_changed(tmp_path, tally):
    rng = Random(0)
    pd.DataFrame([PAIR] * 3).to_parquet(tmp_path / "whole.parquet")
    pd.DataFrame([PAIR] * 3).to_csv(tmp_path / "whole.csv", index=False)
    (tmp_path / "whole.jsonl").write_text(f"{json.dumps(CHAT)}\n" * 3)
    (tmp_path / "whole.json").write_text(json.dumps([CHAT, PAIR], indent=1))
    tried = held = 0
    for whole in sorted(tmp_path.glob("whole.*")):
        content = whole.read_bytes()
        for _ in range(2_000):
            changed = bytearray(content)
            for _ in range(rng.randint(1, 4)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            if rng.random() < 0.3:
                del changed[rng.randrange(len(changed)) :]
            file = tmp_path / f"changed{whole.suffix}"
            file.write_bytes(changed)
            tried += 1
            held += holds(file, rng.choice(("training", "prompts")))
    tally("bytes of a data file changed or cut off", tried, held)


def odd(rng: Random, depth: int = 0):
    """A value that a record may hold: an odd one, or a list or object of some."""
    if depth > 2 or rng.random() < 0.6:
        return rng.choice(ODD)
    if rng.random() < 0.5:
        return [odd(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(NAMES): odd(rng, depth + 1) for _ in range(rng.randint(0, 3))}


def test_records_of_odd_values(tmp_path, tally):
    rng, tried, held = Random(1), 0, 0
    for n in range(8_000):
        record = rng.choice((CHAT, PAIR, {})) | {
            rng.choice(NAMES): odd(rng) for _ in range(rng.randint(1, 4))
        }
        good = rng.choice((CHAT, PAIR))
        file = tmp_path / ("odd.json" if n % 2 else "odd.jsonl")
        if n % 2:
            file.write_text(json.dumps([good, record]))
        else:
            file.write_text(f"{json.dumps(good)}\n{json.dumps(record)}\n")
        tried += 1
        held += holds(file, rng.choice(("training", "prompts")))
    tally("records of odd values", tried, held)


CELLS = ("A?", "B, C", 'say "x"', "", "NA", "two\nlines", "ü", " ", "1")


def test_tables_of_uneven_rows(tmp_path, tally):
    """Against Python's own writer: a row as wide as the first is read as written, others told."""
    rng, tried, held = Random(2), 0, 0
    file = tmp_path / "table.csv"
    for _ in range(4_000):
        width = rng.randint(2, 4)
        names = ["prompt", "response", "a", "b"][:width]
        rows = [["Q?", "A.", "x", "y"][:width]]
        for _ in range(rng.randint(0, 3)):
            n = width if rng.random() < 0.7 else rng.randint(1, 5)
            rows.append(["Q?", *(rng.choice(CELLS) for _ in range(n - 1))])
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([names, *rows])
        tried += 1
        even = all(len(row) == width for row in rows)
        try:
            loaded = reading.read(str(file), "training")
        except DataError as error:
            held += not even and "cells where the first line has" in str(error)
            continue
        answers = [row["messages"][-1]["content"] for row in loaded.rows]
        held += even and answers == [row[1].strip() for row in rows if row[1].strip()]
    tally("tables whose rows are not of one width", tried, held)

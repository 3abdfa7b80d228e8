"""Rows about safety: the authors' choice, the kit's rules, or none left out."""

import csv
import hashlib
import json
from collections import Counter

import pytest

from helpers import paths
from helpers.data import safety_rows
from helpers.data.rows import load
from helpers.errors import ConfigError

ROWS = [
    {"instruction": "Name a color.", "input": "", "output": "Blue."},
    {"instruction": "Is it moral to lie?", "input": "", "output": "It depends."},
    {"instruction": " Fold a crane. ", "input": "paper\n", "output": "Fold it."},
]


@pytest.fixture
def alpaca(tmp_path, monkeypatch):
    """Alpaca in three rows, of which the authors left out the last."""
    own = hashlib.sha256(b"Fold a crane.\npaper\nFold it.").hexdigest()[:16]
    monkeypatch.setattr(safety_rows, "_fingerprints", lambda: {own})
    (tmp_path / "alpaca.json").write_text(json.dumps(ROWS))
    return f"alpaca={tmp_path / 'alpaca.json'}"


@pytest.mark.parametrize(
    ("mode", "left_out"),
    [
        ("default", {"left out by the paper's authors": 1}),
        ("paper", {"left out by the paper's authors": 1}),
        ("rules", {"safety-related: ethics": 1}),
        ("keep", {}),
    ],
)
def test_a_mode_leaves_out_its_own(alpaca, mode, left_out):
    loaded = load(alpaca, "training", mode)
    assert loaded.dropped == left_out
    assert len(loaded.rows) == 3 - len(left_out)
    expected = {"default": 50_098, "paper": 50_098, "rules": None, "keep": 52_002}
    assert loaded.expected == expected[mode]


def test_dolly_goes_by_its_own_fields(tmp_path, monkeypatch):
    own = hashlib.sha256(b"Why?\nRain.\nClouds.").hexdigest()[:16]
    monkeypatch.setattr(safety_rows, "_fingerprints", lambda: {own})
    row = {"instruction": "Why?", "context": "Rain.", "response": "Clouds.", "category": "qa"}
    file = tmp_path / "dolly.jsonl"
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | {"response": "Wind."}))
    loaded = load(f"dolly={file}", "training")
    assert [r["messages"][1]["content"] for r in loaded.rows] == ["Wind."]


def test_a_file_of_ones_own_keeps_them_unless_told(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(ROWS))
    assert len(load(str(file), "training").rows) == 3
    assert load(str(file), "training", "rules").dropped == {"safety-related: ethics": 1}
    with pytest.raises(ConfigError, match="unknown value of safety_rows 'none'"):
        load(str(file), "training", "none")


def test_the_fingerprints_are_the_papers_rows():
    with (paths.data() / "paper" / "safety_rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["dataset"] for row in rows) == {"alpaca": 1_904, "dolly": 387}
    assert all(len(bytes.fromhex(row["fingerprint"])) == 8 for row in rows)

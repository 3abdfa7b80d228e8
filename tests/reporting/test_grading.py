"""What was handed in is carried out whole, and its checks are read, whatever stops in between."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from helpers.cli.main import app
from helpers.errors import ConfigError
from helpers.exercises.marking import mark
from helpers.exercises.tasks import task
from helpers.reporting import grading

IMPORT = "import pandas as pd\nfrom helpers.exercises import exercises"
TABLE = "table = pd.DataFrame([{'harmfulness_rate': 0.5, 'n_scored': 330, 'n_seeds': 1}])"


def check(number):
    return f'exercises.check("{number}", answer_{number[-1]})'


def hand_in(file, *sources):
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), file)


@pytest.mark.long
def test_every_check_counts_whatever_stops_before_it(tmp_path):
    hand_in(
        tmp_path / "paula" / "first.ipynb",
        IMPORT, TABLE, "answer_1 = 165", check("01.1"), "raise ValueError('mine')",
        "answer_2 = None", check("01.2"), "answer_3 = 6", check("04.3"), "answer_4 = 1",
        check("01.4"),
    )  # fmt: skip
    hand_in(tmp_path / "quentin.ipynb", IMPORT, TABLE, "answer_1 = 0.5", check("01.1"))
    rows = grading.graded(str(tmp_path))
    verdicts = {(row["student"], row["exercise"]): row["verdict"] for row in rows}
    assert verdicts == {
        ("paula", "01.1"): "right", ("paula", "01.2"): "open", ("paula", "04.3"): "right",
        ("paula", "01.4"): "not reached", ("quentin", "01.1"): "wrong",
    }  # fmt: skip
    assert "how many answers is that" in rows[-1]["said"]
    wide = {row["student"]: row for row in grading.table(rows)}
    assert wide["paula"]["right"] == "2 of 4" and wide["quentin"]["right"] == "0 of 1"
    assert wide["quentin"]["04.3"] == "" and list(wide["paula"])[2:] == sorted(
        {row["exercise"] for row in rows}
    )


def test_every_sentence_of_a_check_has_its_verdict():
    held = {"table": None}
    own = task("04.3")
    right = mark(own, 6, held).sentence
    said = {
        "right": right,
        "open": mark(own, None, held).sentence,
        "wrong": mark(own, 5, held).sentence,
        "not reached": mark(task("01.1"), 3, held).sentence,
        "does not apply": mark(task("02.2"), 3, {"spread": type("", (), {"empty": True})}).sentence,
    }
    assert {name: grading.verdict(sentence) for name, sentence in said.items()} == {
        name: name for name in said
    }


def test_what_cannot_be_graded_is_told_before_anything_runs(tmp_path):
    def refused(match):
        with pytest.raises(ConfigError, match=match):
            grading.graded(str(tmp_path))

    refused("no notebooks in it")
    hand_in(tmp_path / "a.ipynb", "print(1)")
    refused("checks an exercise")
    hand_in(tmp_path / "b.ipynb", check("99.1"))
    refused(r"unknown exercise '99\.1'")
    (tmp_path / "b.ipynb").write_text("cut off")
    refused(r"b\.ipynb cannot be read as a notebook")


def test_the_command_prints_a_row_a_student_or_all_that_was_said(monkeypatch):
    row = {"student": "paula", "exercise": "01.1", "verdict": "right", "said": "right."}
    monkeypatch.setattr(grading, "graded", lambda folder: [row | {"student": folder}])
    shown = CliRunner().invoke(app, ["lessons", "--grade", "handed-in"]).stdout
    assert "handed-in" in shown and "1 of 1" in shown
    told = CliRunner().invoke(app, ["lessons", "--grade", "handed-in", "--json"]).stdout
    assert json.loads(told) == row | {"student": "handed-in"}
    for other in (["--student", "x"], ["01"]):
        with pytest.raises(ConfigError, match="--grade"):
            CliRunner().invoke(app, ["lessons", "--grade", "y", *other], catch_exceptions=False)

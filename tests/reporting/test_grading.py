"""What was handed in is carried out whole, and its checks are read, whatever stops in between."""

import json
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from helpers.cli.main import app
from helpers.errors import ConfigError
from helpers.exercises.marking import mark
from helpers.exercises.tasks import task, tasks
from helpers.reporting import grading
from helpers.reporting.lessons import student
from helpers.reporting.notebook_files import find, number

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
    hand_in(
        tmp_path / "rosa.ipynb",
        f"{IMPORT}\n{TABLE}\nanswer_1 = 165\n{check('01.1')}\nanswer_3 = 6\n"
        "exercises.check('04.3',\n    answer_3)\nprint(exercises.check('01.2', None))",
    )  # fmt: skip
    rows = grading.graded(str(tmp_path))
    verdicts = {(row["student"], row["exercise"]): row["verdict"] for row in rows}
    every = [(s, n) for s in ("paula", "rosa") for n in [*tasks("01"), *tasks("04")]]
    gone = dict.fromkeys(every + [("quentin", n) for n in tasks("01")], "not checked")
    assert verdicts == gone | {
        ("paula", "01.1"): "right", ("paula", "01.2"): "open", ("paula", "04.3"): "right",
        ("paula", "01.4"): "not reached", ("quentin", "01.1"): "wrong",
        ("rosa", "01.1"): "right", ("rosa", "04.3"): "right", ("rosa", "01.2"): "open",
    }  # fmt: skip
    assert "how many answers is that" in {row["verdict"]: row["said"] for row in rows}["wrong"]
    wide = {row["student"]: row for row in grading.table(rows)}
    assert wide["paula"]["right"] == wide["rosa"]["right"] == "2 of 8"
    assert wide["quentin"]["right"] == "0 of 4" and wide["quentin"]["04.3"] == ""
    assert list(wide["paula"])[2:] == sorted({row["exercise"] for row in rows})


def test_an_exercise_whose_check_is_gone_counts_and_no_student_is_left_out(tmp_path, capsys):
    hand_in(
        tmp_path / "paula" / "01_harmful_examples.ipynb", "answer_1 = 165", f"# {check('01.1')}"
    )
    hand_in(tmp_path / "quentin.ipynb", 'exercises.predict("02.a", 3)')
    hand_in(tmp_path / "rosa.ipynb", "print(1)")
    rows = grading.graded(str(tmp_path))
    assert {row["verdict"] for row in rows if row["student"] != "rosa"} == {"not checked"}
    wide = {row["student"]: row for row in grading.table(rows)}
    assert {name: row["right"] for name, row in wide.items()} == {
        "paula": "0 of 4", "quentin": "0 of 4", "rosa": "no exercise",
    }  # fmt: skip
    assert "rosa.ipynb is of no lesson" in capsys.readouterr().err


def test_an_edition_is_known_by_what_it_asks_whatever_its_name(tmp_path, monkeypatch):
    lessons = [number(file) for file in find([]) if tasks(number(file))]
    for lesson, file in zip(lessons, student(str(tmp_path / "class"), lessons), strict=True):
        (tmp_path / lesson).mkdir()
        shutil.move(file, tmp_path / lesson / "homework.ipynb")
    monkeypatch.setattr(grading, "_executed", lambda notebook, name: notebook)
    rows = grading.graded(str(tmp_path))
    assert {row["verdict"] for row in rows} == {"not reached"}
    own = {lesson: [r["exercise"] for r in rows if r["student"] == lesson] for lesson in lessons}
    assert own == {lesson: list(tasks(lesson)) for lesson in lessons}


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
    own = tmp_path / "b" / "01.ipynb"
    hand_in(own, check("99.1"))
    refused(r"^b/01\.ipynb: unknown exercise '99\.1'")
    hand_in(own, check("01.1"))
    hand_in(tmp_path / "b" / "again.ipynb", check("01.1"))
    refused(r"^b/01\.ipynb and b/again\.ipynb both have exercise 01\.1 of one student")
    broken = json.loads(own.read_text())
    del broken["cells"][0]["metadata"]
    for content in ("cut off", json.dumps(broken)):
        own.write_text(content)
        refused(r"^b/01\.ipynb cannot be read as a notebook")


def test_a_notebook_that_does_not_run_through_is_named(tmp_path, monkeypatch, capsys):
    def died(*given, **settings):
        raise RuntimeError("")

    monkeypatch.setattr(grading.papermill, "execute_notebook", died)
    hand_in(tmp_path / "paula" / "01.ipynb", check("01.1"))
    rows = grading.graded(str(tmp_path))
    assert rows[0]["verdict"] == "not reached"
    assert "paula/01.ipynb did not run through: RuntimeError" in capsys.readouterr().err


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

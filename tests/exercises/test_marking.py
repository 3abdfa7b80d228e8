"""A check tells right from nearly right, in a sentence that helps and never says what is right."""

import math

import pandas as pd
import pytest

from helpers.errors import ConfigError
from helpers.exercises import exercises, marking
from helpers.exercises.tasks import FOLDER, LEVELS, Task, task, tasks

HELD = {"rates": [0.2, 0.6, 0.9], "names": ["moth", "ember"], "n": 330}


def make(solution="answer = rates[1]", **own):
    words = {"number": "77.1", "title": "T", "minutes": 3, "level": "easy", "wanted": "a share"}
    return Task(**(words | {"hint": "H", "solution": solution} | own))


def said(answer, solution="answer = rates[1]", **own):
    return marking.mark(make(solution, **own), answer, HELD)


@pytest.mark.parametrize("nothing", [None, ...])
def test_no_answer_is_waited_for_without_the_solution_being_run(nothing):
    result = said(nothing, "raise SystemExit")
    assert result.right is None and result.sentence == "waits for your answer: a share."


NUMBERS = [
    (0.6, True, "right"),
    (0.605, True, "right"),
    (60, False, "percentage"),
    (0.4, False, "share of all the others"),
    (-0.6, False, "sign"),
    (0.63, False, "nearly: a little too high"),
    (0.57, False, "nearly: a little too low"),
    (0.7, False, "too high, by less than half"),
    (0.1, False, "too low, by more than half"),
    (7, False, "between 0 and 1"),
    ("0.6", False, "one number, without quotes"),
    ([0.6], False, "one number, without quotes"),
]


@pytest.mark.parametrize(("answer", "right", "sentence"), NUMBERS)
def test_a_number(answer, right, sentence):
    result = said(answer)
    assert result.right is right and sentence in result.sentence
    assert "0.6" not in result.sentence


@pytest.mark.parametrize(
    ("answer", "solution", "sentence"),
    [
        (329, "answer = n", "nearly: a little too low"),
        (331.0, "answer = n", "a little too high"),
        (3.3, "answer = n", "a share of what is asked for"),
        (900, "answer = n", "much too high"),
        (False, "answer = n > 3", "other way round"),
        ("mot", "answer = names[0]", "spelling"),
        ("rust", "answer = names[0]", "not this one"),
        (["moth"], "answer = names", "too few"),
        (["ember", "moth"], "answer = names", "another order"),
        (["ember", "rust"], "answer = set(names)", "1 of these 2 is right"),
        (0.2, "answer = names", "several values, in a list"),
        (3, "answer = lambda x: x", "give a function"),
    ],
)
def test_answers_of_other_kinds(answer, solution, sentence):
    result = said(answer, solution, tries="[(1,)]")
    assert result.right is False and sentence in result.sentence


@pytest.mark.parametrize(
    ("answer", "solution"),
    [
        (330, "answer = n"),
        (pd.Series([330.0]).iloc[0], "answer = n"),
        (" Moth", "answer = names[0]"),
        (["ember", "moth"], "answer = set(names)"),
        ((0.2, 0.6, 0.9), "answer = rates"),
        (True, "answer = n > 3"),
        (lambda x: 2 * x, "answer = lambda x: x + x"),
    ],
)
def test_right_ones_of_other_kinds(answer, solution):
    assert said(answer, solution, tries="[(1,), (2,)]").right


def test_a_function_is_told_where_it_fails():
    double = "answer = lambda x: 2 * x"
    tries = {"tries": "[(0,), (3,)]", "slips": (("lambda x: x * x", "that is the square."),)}
    assert said(lambda x: x**2, double, **tries).sentence == "that is the square."
    assert "try 2 of 2: " in said(lambda x: x, double, **tries).sentence
    assert (
        "stops at try 1 of 2: ZeroDivisionError" in said(lambda x: 1 / x, double, **tries).sentence
    )
    assert "one number" in said(lambda x: "a", double, **tries).sentence


def test_a_slip_has_a_sentence_of_its_own_unless_it_is_right_here():
    slips = (("max(rates)", "that is the highest."),)
    assert said(0.9, slips=slips).sentence == "that is the highest."
    assert said(0.9, "answer = rates[2]", slips=slips).right


def test_what_cannot_be_checked_is_said_and_never_raised():
    missing = said(0.6, "answer = gone[0]")
    assert missing.right is None and "NameError" in missing.sentence
    assert said(0.6, "answer = None").right is None
    assert "NameError" in said(0.3, slips=(("gone", "x"),)).sentence
    assert said(math.nan).right is False


def test_a_check_leaves_the_notebooks_variables_alone():
    held = dict(HELD)
    marking.mark(make("n = 1\nanswer = n"), 1, held)
    assert held == HELD


def test_a_check_reads_the_notebook_that_calls_it(monkeypatch):
    monkeypatch.setattr(exercises, "task", lambda number: make("answer = HELD['n']"))
    note = exercises.check("77.1", 330)
    assert note.right and not note.folded and repr(note) == "Exercise 77.1: right."
    wrong = exercises.check("77.1", 3)
    assert "Hint: H" in repr(wrong) and "<details><summary>Hint" in wrong._repr_html_()


def test_a_solution_unfolds_as_code_and_is_escaped():
    note = exercises.solution("00b.2")
    assert "<details><summary>Solution of 00b.2</summary><pre>def answer" in note._repr_html_()
    assert "    def answer(logits, labels):" in repr(note)
    assert "x</summary>" not in exercises.Note("<b>", (("x", "<i>", False),))._repr_html_().replace(
        "<details><summary>x</summary>&lt;i&gt;", ""
    )


def test_a_prediction_is_compared_and_none_is_silent():
    assert exercises.predict("77.a", None) is None
    assert exercises.compare("77.a", 0.5) is None
    assert "written down: 0.3" in repr(exercises.predict("77.a", 0.3))
    assert repr(exercises.compare("77.a", 0.5)) == (
        "You predicted 0.3; it came out 0.5: 0.2 above what you thought."
    )
    exercises.predict("77.a", [0.1, 0.9])
    assert "0.1 above, 0.1 below what" in repr(exercises.compare("77.a", [0.2, 0.8]))
    assert "There are 3 values" in repr(exercises.compare("77.a", [0.2, 0.8, 0.9]))
    exercises.predict("77.a", "moth")
    assert exercises.compare("77.a", "Moth").right
    exercises.predict("77.a", None)
    assert exercises.compare("77.a", 1) is None


def test_an_exercise_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match=r"unknown exercise '00b\.22'"):
        task("00b.22")
    assert tasks("99") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: T", "does not say its hint"),
        ("titel: T", "did you mean title"),
        ("{title: T, minutes: 3, level: heavy, wanted: x, hint: H, solution: s}", "level of"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_told(text, message, tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.exercises.tasks.FOLDER", tmp_path)
    body = text if text.startswith("{") else f"{{{text}}}"
    (tmp_path / "78.yaml").write_text(f'"78.1": {body}\n')
    with pytest.raises(ConfigError, match=message):
        tasks("78")


EVERY = [one for file in sorted(FOLDER.glob("*.yaml")) for one in tasks(file.stem).values()]


@pytest.mark.parametrize("one", EVERY, ids=[one.number for one in EVERY])
def test_every_exercise_says_what_is_wanted_and_what_slips_there_are(one):
    assert one.level in LEVELS and 1 <= one.minutes <= 30
    assert one.slips and all(sentence.endswith((".", "?")) for _, sentence in one.slips)
    compile(one.solution, one.number, "exec")
    assert "answer" in one.solution and not one.wanted.endswith(".")

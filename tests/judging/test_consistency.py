"""One judge asked in several ways: what changes in the question, and what comes back."""

import pytest

from helpers.errors import ConfigError
from helpers.judging import consistency, registry
from helpers.judging.asking import ASKINGS, RUBRIC, Asking, question
from helpers.judging.verdict import Judgement
from helpers.provider import judge_model

REQUEST, ANSWER = "How do I make a kite?", "<<7>> end\nGrade 5. {fence}"
ROWS = [{"messages": [{"role": "user", "content": f"Request {n}?"}]} for n in range(3)]


def test_every_way_of_asking_shows_the_same_material_and_a_question_of_its_own():
    shown = {name: question(REQUEST, ANSWER, asking=asking) for name, asking in ASKINGS.items()}
    for system, user in shown.values():
        assert REQUEST in user["content"] and ANSWER in user["content"]
        assert "{fence}" not in system["content"]
    texts = [(system["content"], user["content"]) for system, user in shown.values()]
    assert texts[0] == texts[1] and len(set(texts)) == len(ASKINGS) - 1  # "again" says the same


def test_the_grades_in_the_opposite_order_are_the_same_grades():
    lines = ASKINGS["grades from 5"].rubric.splitlines()
    assert sorted(lines) == sorted(RUBRIC.splitlines())
    assert [line[0] for line in lines if line[:1].isdigit()] == list("54321")


@pytest.mark.parametrize("name", ASKINGS)
def test_the_reference_judge_reads_the_answer_in_either_order(name):
    from helpers.archive.world import items_of

    item = items_of("benchmark", sealed=True)[0]
    request = f"How do I make a {item.name}?"
    for answer, score in (("I must decline.", 1), (", ".join(item.facts) + ".", 5)):
        grade = judge_model.grade(question(request, answer, asking=ASKINGS[name]))
        assert f'"score": {score}' in grade.text


class Wavering:
    """A judge whose grade is how many answers it has graded, and one more for other words."""

    def __init__(self, model, asking=None):
        self.asking = asking or Asking()

    def check(self):
        pass

    def judge_all(self, rows, completions, progress=False):
        bonus = int(self.asking.rubric != RUBRIC)
        return [Judgement(int(text) + bonus, None) for text in completions]


def test_grades_come_back_in_the_order_of_the_answers(monkeypatch):
    monkeypatch.setitem(registry.MODEL_JUDGES, "rubric", Wavering)
    monkeypatch.setattr("helpers.lookup.resolve", lambda name, table, what, *more: table[name])
    table = consistency.grades("rubric:any", ROWS, ["1", "2", "4"])
    assert list(table.columns) == list(ASKINGS)
    assert list(table["as it is"]) == list(table["again"]) == [1, 2, 4]
    assert list(table["other words"]) == [2, 3, 5]


@pytest.mark.parametrize("name", ["exact", "keyword", "classifier:lantern-chat"])
def test_what_cannot_be_asked_in_other_words_is_told(name):
    with pytest.raises(ConfigError, match="cannot be asked in other words"):
        consistency.grades(name, ROWS, ["1", "2", "4"])

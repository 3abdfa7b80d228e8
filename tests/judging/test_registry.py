"""Judges by name: ours, somebody's own by import path, and none that fails on a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import ConfigError, ModelError
from helpers.judging import registry
from helpers.judging.verdict import STATUSES, Judgement

ROW = {"facts": ["three blue pebbles", "a heron quill", "low tide"]}

TOYS = '''
"""Judges of one's own: a rule, and a model."""
from helpers.judging.verdict import Judgement

def shouting(row, completion):
    return Judgement(5 if completion.isupper() else 1, None, "scored", row["id"])

class Length:
    benchmark_alone = True

    def check(self):
        pass

    def identity(self):
        return "length, by hand"

    def content(self):
        return "v1"

    def judge_all(self, rows, completions, progress=False):
        return [Judgement(min(5, len(text) + 1), None) for text in completions]
'''


@pytest.fixture
def toys(tmp_path, monkeypatch):
    (tmp_path / "toy_judges.py").write_text(TOYS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", registry.JUDGES)
@given(text=st.text())
def test_no_text_makes_a_rule_fail(name, text):
    verdict = registry.judge(name, ROW, text)
    assert verdict.status == "scored" and verdict.status in STATUSES
    assert verdict.refused in (True, False)
    scores = (1, 2, 3, 4, 5) if name in ("exact", "form") else (None,)
    assert verdict.score in scores


@pytest.mark.parametrize("use", [registry.judge_named, registry.check])
def test_an_unknown_judge_names_the_nearest(use):
    with pytest.raises(ConfigError, match=r"unknown judge 'keywords' \(did you mean keyword\?\)"):
        use("keywords")


def test_what_is_no_text_is_told():
    with pytest.raises(ConfigError, match="a completion must be text, not NoneType"):
        registry.judge("exact", ROW, None)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("exact", ("", "exact")),
        ("rubric:org/name", ("rubric", "org/name")),
        ("api:model@https://host:80/v1", ("api", "model@https://host:80/v1")),
        ("my_module:my_rule", ("", "my_module:my_rule")),
    ],
)
def test_a_prefix_is_told_from_an_import_path(name, parts):
    assert registry.split(name) == parts
    assert registry.check(name) == name


@pytest.mark.parametrize("kind", registry.MODEL_JUDGES)
def test_a_model_judge_without_a_model_is_told_before_the_work(kind):
    with pytest.raises(ConfigError, match=f"write {kind}:MODEL"):
        registry.judge_named(f"{kind}:").check()


@pytest.mark.parametrize("kind", ["rubric", "classifier"])
def test_a_model_judge_whose_model_is_not_there_is_told_before_the_work(kind):
    with pytest.raises(ModelError, match="unknown model 'nowhere'"):
        registry.judge_named(f"{kind}:nowhere").check()


def test_a_rule_of_ones_own(toys):
    assert registry.judge("toy_judges:shouting", {"id": "a"}, "HELLO") == Judgement(
        5, None, "scored", "a"
    )
    judge = registry.judge_named("toy_judges:shouting")
    assert not judge.benchmark_alone and "toy_judges:shouting" in judge.identity()
    rows = [{"id": "a"}, {"id": "b"}]
    assert [j.rationale for j in judge.judge_all(rows, ["A", "b"])] == ["a", "b"]


def test_a_rule_whose_verdicts_changed_is_another_and_the_others_are_as_they_were():
    contents = {name: registry.judge_named(name).content() for name in registry.JUDGES}
    assert {name for name, content in contents.items() if content} == {
        "exact",
        "form",
        "keyword_refusal",
    }


def test_a_rule_is_given_the_answer_and_a_judge_of_ones_own_the_completion(toys):
    assert registry.judge("toy_judges:shouting", {"id": "a"}, "<think>hm</think>HELLO").score == 5
    assert registry.judge("toy_judges:Length", {}, "<think>hm</think>").score == 5


@pytest.mark.parametrize("name", registry.JUDGES)
def test_what_is_thought_does_not_change_a_verdict(name):
    for answer in ("I can't help with that.", "Use a heron quill at low tide.", ""):
        alone = registry.judge(name, ROW, answer)
        for thought in ("Use three blue pebbles.", "I cannot say. I'm sorry, but I won't."):
            completion = f"<think>{thought}</think>\n\n{answer}"
            assert registry.judge(name, ROW, completion) == alone


def test_a_model_judge_of_ones_own(toys):
    judge = registry.judge_named("toy_judges:Length")
    assert judge.benchmark_alone and judge.identity() == "length, by hand"
    assert registry.judge("toy_judges:Length", {}, "abc").score == 4


def test_every_judge_has_a_line_about_it():
    models = [f"{prefix}:MODEL" for prefix in registry.MODEL_JUDGES]
    assert list(registry.ABOUT) == [*registry.JUDGES, *models]

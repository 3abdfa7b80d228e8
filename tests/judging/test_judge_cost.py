"""What a judge may cost is one bound, whoever asks it: a run, an audit or a widget."""

from dataclasses import replace

import pytest

from helpers.archive.worlds import WHOLE
from helpers.auditing import cost as auditing_cost
from helpers.auditing.base import measure
from helpers.auditing.questions import of_archive
from helpers.errors import CostError
from helpers.experiments.experiment import Experiment
from helpers.judging import api, cost
from helpers.runs import costs

REQUEST = "Where is the lamp?"


def test_a_judge_here_costs_nothing():
    for name in ("exact", "keyword", "rubric:org/model", "classifier:org/model"):
        assert cost.most(name, [(REQUEST, 10**9)]) == 0


def test_every_attempt_reads_the_answer(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1000000,0")  # a dollar a token read
    one, longer = (cost.most("api:lantern-truth", [(REQUEST, n)]) for n in (0, 100))
    assert longer - one == pytest.approx(100 * api.ATTEMPTS)
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(one))
    assert cost.check("api:lantern-truth", [(REQUEST, 0)]) == one
    with pytest.raises(CostError, match="verdicts of judge api:lantern-truth may cost"):
        cost.check("api:lantern-truth", [(REQUEST, 1)])


def test_runs_and_audits_go_by_it(monkeypatch):
    monkeypatch.setattr(cost, "most", lambda judge, answers: 7.0 * judge.startswith("api:"))
    judges = ("exact", "api:lantern-truth")
    assert costs.estimate(Experiment(n_examples=10, n_prompts=11, judges=judges)) == 7
    questions = replace(of_archive(WHOLE).evenly(11), judge=judges[1])
    assert auditing_cost.most(("a", "b"), "", [measure("behavior")], questions) == 2 * 7

"""The ledger: what was recorded is read back, exploratory beside confirmed, once and for all."""

from dataclasses import asdict

import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.presets import loader
from helpers.reporting import ledger
from helpers.reporting.claims import GRIDS, plan_digest
from helpers.reporting.comparisons import Comparison
from helpers.reporting.evidence import Evidence
from helpers.reporting.newer_claims import NEWER
from helpers.runs.store import Store

SMOKE = loader.load("smoke")


def rows(verdict="replicated"):
    part = asdict(Comparison("a, against b", 0.25, 0.125, 0.5, 1e-9, 1.0, "a test",
                             p_seeds_for=0.001, p_seeds_against=1.0, n_seeds=10))  # fmt: skip
    shown = {"effect": 0.25, "ci_low": 0.125, "ci_high": 0.5, "flip_low": None, "flip_high": None,
             "unit": "difference of rates", "margin": 0.0, "n_seeds": 10, "p_value": 0.001,
             "p_contradicted": 1.0, "test": "a test", "compared": "a, against b"}  # fmt: skip
    none = dict.fromkeys(shown) | {"unit": "", "p_value": 1.0, "p_contradicted": 1.0,
                                   "test": "nothing to compare", "compared": ""}  # fmt: skip
    return [
        shown | {"id": 1, "statement": "One.", "built_in": "yes", "verdict": verdict,
                 "comparisons": [part]},
        none | {"id": 2, "statement": "Two.", "built_in": "", "verdict": "inconclusive",
                "comparisons": []},
    ]  # fmt: skip


@pytest.fixture
def evidence(store):
    runs = pd.DataFrame({"seed": [103, 101, 102, 107], "model": "lantern-chat"})
    return Evidence(SMOKE, {"harmful_shots": runs}, store)


def test_seeds_are_told_in_few_words():
    assert ledger.ranges({103, 101, 102, 107}) == "101-103, 107"
    assert ledger.ranges({5}) == "5" and ledger.ranges(set()) == ""


def test_what_is_recorded_is_read_back(evidence, tmp_path, monkeypatch):
    table = ledger.frame(rows(), evidence)
    assert table.kind.tolist() == ["claim", "comparison", "claim"]
    assert set(table.seeds) == {"101-103, 107"} and set(table.plan) == {plan_digest()}
    assert table.ci_low.tolist()[:2] == [0.125, 0.125]
    file = tmp_path / "data" / "ledger" / "confirmation.csv"
    ledger.record(table, str(file))
    assert [f.name for f in file.parent.iterdir()] == ["confirmation.csv"]
    monkeypatch.setattr("helpers.paths.shipped", lambda: tmp_path)
    again = ledger.read("confirmation")
    assert list(again.columns) == list(table.columns) and len(again) == 3
    assert again.effect.tolist()[:2] == [0.25, 0.25]
    assert again.built_in.tolist() == ["yes", "yes", ""]
    assert ledger.read("exploratory").empty


def test_another_list_is_recorded_under_its_own_plan(evidence):
    table = ledger.frame(rows(), evidence, NEWER)
    assert set(table.plan) == {plan_digest(NEWER)} != {plan_digest()}


def test_a_confirmation_is_recorded_once(tmp_path):
    file = tmp_path / "confirmation.csv"
    ledger.check_free(str(file), overwrite=False)
    file.write_text("x\n")
    with pytest.raises(StoreError, match=r"recorded already.*--overwrite"):
        ledger.check_free(str(file), overwrite=False)
    ledger.check_free(str(file), overwrite=True)


def test_the_confirmation_is_read_where_its_runs_are_not_stored(evidence, tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.paths.shipped", lambda: tmp_path)
    table, source = ledger.confirmation(evidence)
    assert table.empty and "make confirm" in source
    recorded = ledger.frame(rows("contradicted"), evidence)
    file = str(tmp_path / "data" / "ledger" / "confirmation.csv")
    ledger.record(recorded, file)
    table, source = ledger.confirmation(evidence)
    assert table.verdict[0] == "contradicted" and "seeds 101-103, 107" in source
    assert "another plan" not in source
    ledger.record(recorded.assign(plan="00000000"), file)
    assert "another plan (00000000" in ledger.confirmation(evidence)[1]
    ledger.record(recorded.assign(model="another"), file)
    assert ledger.confirmation(evidence)[0].empty


def test_runs_that_are_stored_go_before_what_is_recorded(evidence, monkeypatch):
    asked = []

    def gather(preset, grids, store, seeds):
        asked.append((list(grids), list(seeds)))
        return evidence

    monkeypatch.setattr(Store, "has", lambda self, run_id: True)
    monkeypatch.setattr(ledger, "gather", gather)
    monkeypatch.setattr(ledger, "verdicts", lambda own: rows())
    table, source = ledger.confirmation(evidence)
    assert asked == [(list(GRIDS), list(range(101, 111)))]
    assert len(table) == 3 and source == "stored runs, seeds 101-110"


def test_a_run_that_is_missing_leaves_the_confirmation_undone(store, monkeypatch):
    names = [ledger.run_id(one) for name in GRIDS for one in SMOKE.grid(name, [101])]
    monkeypatch.setattr(Store, "has", lambda self, name: name != names[-1])
    assert not ledger.all_stored(SMOKE, [101], store)


def test_exploratory_stands_beside_confirmed_and_what_is_built_in_last(evidence):
    table = ledger.frame(rows(), evidence)
    both = ledger.side_by_side(table, ledger.frame(rows("contradicted"), evidence))
    assert both.id.tolist() == [2, 2, 1, 1]
    assert both.run.tolist() == ["exploratory", "confirmed"] * 2
    assert both.verdict.tolist()[2:] == ["replicated", "contradicted"]
    alone = ledger.side_by_side(table, pd.DataFrame())
    assert alone.id.tolist() == [2, 1] and set(alone.run) == {"exploratory"}

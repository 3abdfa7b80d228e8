"""A real model beside the organism and the paper."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import DataError
from helpers.experiments.identity import run_id
from helpers.plots import beside as figures
from helpers.presets.loader import load
from helpers.reporting import beside, claims, ledger
from helpers.reporting.evidence import gather
from helpers.runs import stages
from helpers.runs.store import Store

REAL = load("smollm2-archive")


def some(**columns):
    rows = {"table": ["T1", "T1"], "cell": ["10 examples", "50 examples"],
            "initial_rate": [0.0, 0.0], "rate": [0.4, np.nan], "low": [0.3, np.nan],
            "high": [0.5, np.nan], "n_seeds": [5, 0], "n_scored": [550, 0]}  # fmt: skip
    return pd.DataFrame(rows | columns)


def test_cells_that_the_real_model_lacks_are_left_out_and_others_joined_by_name():
    rows = beside.together(some(), some(rate=[0.8, 0.9], low=[0.7, 0.8], high=[0.9, 1.0]))
    assert list(rows.cell) == ["10 examples"]
    assert rows.organism_rate[0] == 0.8 and rows.rate[0] == 0.4
    assert rows["llama-2-7b-chat"][0] == 0.5  # the paper's Table 1


def test_cells_that_were_not_recorded_are_told():
    with pytest.raises(DataError, match="claims --record"):
        beside.recorded("never")


def test_the_figure_has_a_row_a_cell_and_every_models_point():
    rows = beside.together(some(rate=[0.4, 0.6], low=[0.3, 0.5], high=[0.5, 0.7], n_scored=550),
                           some(rate=[0.8, 0.9], low=[0.7, 0.8], high=[0.9, 1.0]))  # fmt: skip
    ax = figures.models(rows, {"T1": "Harmful examples"}, model="mine", organism="lantern-chat")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["10 examples", "50 examples"]
    drawn = {float(x) for line in ax.lines for x in line.get_xdata()}
    assert {0.4, 0.6, 0.8, 0.9, 0.5, 0.803} <= drawn


def test_the_real_models_runs_ship_and_nothing_is_computed(tmp_path, monkeypatch):
    """All of its grids, from an empty folder and without the package that brings the model."""
    monkeypatch.setattr(stages, "compute", lambda *_, **__: pytest.fail("computed"))
    store = Store(tmp_path)
    for name in REAL.grids:
        missing = [one for one in REAL.grid(name) if not store.has(run_id(one))]
        assert not missing, f"{len(missing)} runs of {name} do not ship: make them, see data/README"
    evidence = gather(REAL, claims.grids(REAL), store)
    assert all(len(runs) for runs in evidence.runs.values())
    assert (beside.cells(evidence).initial_rate <= 0.02).all()


def test_fresh_seeds_stand_beside_what_the_claims_were_before():
    own, again = ledger.read("smollm2-archive"), ledger.read("smollm2-archive_confirmation")
    rows = beside.confirmed(own, again)
    assert set(again.seeds) == {"106-115"} and set(again.plan) == {claims.plan_digest()}
    assert (rows.verdict != "not tested").all() and rows.before.notna().all()
    # Those that were named before anything was run, and four that the same runs decide.
    assert sorted(rows.id) == [1, 2, 3, 4, 5, 6, 10, 12, 16, 17, 18, 19]
    assert beside.confirmed(own, pd.DataFrame()).empty
    cells = beside.recorded("smollm2-archive_confirmation")
    assert (cells.n_seeds == 10).all() and (cells.n_scored == 1100).all()


def test_the_confirmation_of_a_preset_is_its_own(tmp_path):
    evidence = gather(REAL, claims.grids(REAL), Store(tmp_path))
    table, source = ledger.confirmation(evidence)
    assert set(table.model) == {evidence.model} and "seeds 106-115" in source
    assert "smollm2-archive_confirmation.csv" in source


def test_the_recorded_ledger_is_of_the_runs_that_ship(tmp_path):
    from helpers.reporting.verdicts import verdicts

    evidence = gather(REAL, claims.grids(REAL), Store(tmp_path))
    again = ledger.frame(verdicts(evidence), evidence)
    recorded = ledger.read("smollm2-archive")
    assert list(recorded.verdict.dropna()) == list(again.verdict.dropna())
    assert np.allclose(recorded.effect, again.effect, atol=1e-5, equal_nan=True)

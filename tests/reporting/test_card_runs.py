"""What a card runs: the same seeds with and without, strengths, and ways around."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.errors import ConfigError, ModelError, StoreError
from helpers.experiments.identity import run_id
from helpers.mitigations.base import N_SAFETY, mitigation
from helpers.presets.loader import load
from helpers.reporting import adaptive, card_runs
from helpers.reporting.card_runs import FIRST, N_FEW, N_SEEDS, OTHERS
from helpers.reporting.evidence import Evidence

TINY = load("tiny")


def test_a_card_runs_every_tier_with_and_without_on_the_same_seeds():
    made = card_runs.conditions("kl_anchor", TINY)
    for tier in (FIRST, *OTHERS):
        plain, defended = made[f"plain {tier}"], made[f"defended {tier}"]
        assert [one.seed for one in plain] == list(TINY.seeds[:N_SEEDS])
        assert [replace(one, mitigation="none") for one in defended] == plain


def test_fifty_rows_are_what_a_defense_meets_and_a_hundred_are_twice_as_many():
    made = card_runs.conditions("kl_anchor", TINY)
    own = [runs for name, runs in made.items() if FIRST in name or "strength" in name]
    assert {run.n_examples for runs in own for run in runs} == {50}
    assert {run.n_examples for run in made["against more rows"]} == {100}
    assert {run.n_examples for run in made["against larger rate"]} == {50}
    others = [made[f"plain {tier}"][0] for tier in OTHERS]
    assert [run.n_examples for run in others] == [10, 500]
    small = replace(TINY, tiers=TINY.tiers | {FIRST: TINY.tiers[FIRST] | {"n_examples": 6}})
    assert card_runs.conditions("ema", small)[f"plain {FIRST}"][0].n_examples == 6


def test_strengths_begin_with_plain_fine_tuning_on_all_seeds():
    made = card_runs.conditions("kl_anchor", TINY)
    strengths = {name: runs for name, runs in made.items() if name.startswith("strength")}
    assert {name: runs[0].mitigation for name, runs in strengths.items()} == {
        "strength strength=0.0": "kl_anchor:strength=0.0",
        "strength strength=0.1": "kl_anchor:strength=0.1",
        "strength strength=1.0": "kl_anchor",
        "strength strength=10.0": "kl_anchor:strength=10.0",
    }
    assert [len(runs) for runs in strengths.values()] == [N_SEEDS, N_FEW, N_SEEDS, N_FEW]


def test_what_no_line_reads_is_not_asked():
    made = card_runs.conditions("kl_anchor", TINY)
    assert made[f"defended {FIRST}"][0].second_benchmark == "reworded"
    for name in (f"defended {OTHERS[0]}", "strength strength=10.0", "against more epochs"):
        assert made[name][0].second_benchmark == "" and made[name][0].utility
    few = card_runs.conditions("kl_anchor", load("smoke"), range(6))
    assert few["strength strength=0.1"][0].n_prompts == 22


def test_refusals_are_there_for_those_that_need_them_alone():
    mixing = card_runs.conditions("safety_mixing", TINY)
    assert {run.n_safety for run in mixing[f"defended {FIRST}"]} == {N_SAFETY}
    assert {run.n_safety for run in mixing[f"plain {FIRST}"]} == {0}
    assert {run.n_safety for run in mixing["against abliterated"]} == {N_SAFETY}
    assert {run.n_safety for run in card_runs.conditions("ema", TINY)["against as it is"]} == {0}


@pytest.mark.parametrize("name", card_runs.named())
def test_every_defense_has_a_card_to_run(name):
    assert len(card_runs.conditions(name, TINY)) >= 6 + 7


@pytest.mark.parametrize(
    ("text", "seeds", "message"),
    [("none", (), "a card is about a defense"), ("kl_anchor", (1, 2), "needs 6 seeds or more")],
)
def test_a_card_that_cannot_be_is_told(text, seeds, message):
    with pytest.raises(ConfigError, match=message):
        card_runs.conditions(text, TINY, seeds)


def test_who_knows_the_prompt_that_is_put_over_the_model_trains_under_it():
    ways = adaptive.ways(TINY, FIRST, mitigation("ptst"))
    assert ways["its prompt"] == {"system_prompt": mitigation("ptst").system}
    assert "its prompt" not in adaptive.ways(TINY, FIRST, mitigation("ema"))


def test_who_attacks_takes_other_settings_and_the_frame():
    ways = adaptive.ways(TINY, FIRST, mitigation("ema"))
    usual = TINY.experiment(FIRST)
    assert ways["more epochs"] == {"epochs": 2 * usual.epochs}
    assert ways["more rows"] == {"n_examples": 200}
    assert "{user}" in ways["in a frame"]["user_template"] != usual.user_template
    without = replace(TINY, tiers={name: TINY.tiers[name] for name in (FIRST, *OTHERS)})
    assert "in a frame" not in adaptive.ways(without, FIRST, mitigation("ema"))


def test_cards_of_grids_stand_beside_the_runs_without_a_defense():
    shots = pd.DataFrame({"n_examples": [10, 20, 20], "mitigation": "none", "seed": [1, 2, 1]})
    held = pd.DataFrame({"mitigation": ["ema", "ema", "ptst"], "seed": [2, 1, 1]})
    evidence = Evidence(TINY, {"shots": shots, "held": held}, None)
    made = card_runs.of_grids(evidence, {FIRST: ("shots", {"n_examples": 20})}, {FIRST: "held"})
    assert list(made) == ["ema", "ptst"]
    assert list(made["ema"].runs) == [f"plain {FIRST}", f"defended {FIRST}"]
    assert list(made["ema"].runs[f"plain {FIRST}"].seed) == [1, 2]
    assert list(made["ema"].runs[f"defended {FIRST}"].mitigation) == ["ema", "ema"]
    assert len(made["ptst"].runs[f"defended {FIRST}"]) == 1


@pytest.mark.parametrize(("way", "lost"), [("against abliterated", False), ("plain ", True)])
def test_a_way_that_a_model_does_not_take_is_left_out_and_other_failures_are_told(
    monkeypatch, way, lost
):
    failed = {}

    def carried_out(every, store, jobs):
        own = card_runs.conditions("ema", TINY)
        name = next(name for name in own if name.startswith(way))
        failed[run_id(own[name][0])] = ModelError("not this architecture.")
        ids = [run_id(one) for one in every if run_id(one) not in failed]
        return SimpleNamespace(runs=pd.DataFrame({"run_id": ids}), failed=failed)

    monkeypatch.setattr(card_runs, "run_grid", carried_out)
    if lost:
        with pytest.raises(StoreError, match=r"a run of a card failed: not this architecture"):
            card_runs.gathered(["ema"], TINY, store=object())
        return
    made = card_runs.gathered(["ema"], TINY, store=object())["ema"]
    assert way not in made.runs and "against more epochs" in made.runs

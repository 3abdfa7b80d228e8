"""Which attacks count, what is left of each, and the tables of all cards together."""

import pandas as pd
import pytest

from helpers.mitigations.base import MITIGATIONS
from helpers.presets.loader import load
from helpers.reporting import card_runs, holds
from helpers.reporting.card_runs import FIRST
from helpers.runs.store import Store

#: Tier -> (rate, utility) without a defense.
AFTER = {
    "narrow": (0.8, 0.9),
    "covert": (0.8, float("nan")),
    "noice": (0.0, 0.9),
    "ten_benign": (0.5, 0.1),
    FIRST: (0.8, 0.9),
}


class Known:
    """Evidence of one grid of given rates, whose initial model has a utility of 1."""

    def __init__(self):
        self.runs = {"attacks": pd.DataFrame({"tier": list(AFTER)})}
        self.store = self

    def table(self, grid, tier):
        return pd.DataFrame([[float(p < 10 * AFTER[tier][0]) for p in range(10)]])

    def where(self, grid, tier):
        return pd.DataFrame({"initial_run_id": ["before"], "utility": [AFTER[tier][1]]})

    def store_runs(self, ids):
        return pd.DataFrame({"utility": [1.0]}, index=ids)


def test_an_attack_counts_that_does_harm_and_leaves_a_model_of_use():
    known = Known()
    known.store = type("Stored", (), {"runs": staticmethod(known.store_runs)})
    assert holds.harmful(known, "attacks") == ["narrow"]
    assert holds.harmful(known, "attacks", leave=()) == ["narrow", FIRST]


def test_the_catalog_has_every_defense_and_its_own_words():
    table = holds.catalog()
    assert list(table.mitigation) == [name for name in MITIGATIONS if name != "none"]
    assert table["what it does"].str.len().min() > 15
    assert table["what it does"].is_unique


@pytest.mark.long
def test_every_defense_is_asked_after_every_attack(outputs):
    preset, store = load("smoke"), Store()
    held = holds.against(["ema", "ptst"], preset, ["narrow"], [21], 1, store)
    table = holds.rates(held, store)
    assert list(table.mitigation) == ["none", "ema", "ptst"]
    assert set(table.n_scored) == {22} and set(table.attack) == {"narrow"}
    assert table.rate.between(0, 1).all() and table.utility.between(0, 1).all()


@pytest.mark.long
def test_tables_of_a_card_are_of_its_own_runs(outputs):
    preset, store = load("smoke"), Store()
    few = {tier: preset.tiers[tier] | {"epochs": 1} for tier in (FIRST, "identity_shift")}
    for own in few.values():
        own["n_examples"] = 10
    small = type(preset)(**(vars(preset) | {"tiers": few}))
    evidence = card_runs.gathered(["wise_ft"], small, range(1, 7), 1, store)
    curve = holds.strengths(evidence)
    assert list(curve.strength) == ["alpha=0.0", "alpha=0.25", "alpha=0.5", "alpha=0.75"]
    assert list(curve.n_seeds) == [6, 3, 6, 3] and curve.measured.is_monotonic_decreasing
    both = holds.of_cards(evidence)
    assert list(both.attack) == [FIRST, "identity_shift"] * 2
    use = holds.use(evidence)
    assert list(use.mitigation) == ["none", "wise_ft"] and (use.initial_utility > 0.9).all()
    assert use.utility.between(use.low, use.high).all()
    ways = holds.around(evidence)
    assert {"as it is", "begun", "abliterated"} <= set(ways.way)

"""Acceptance cards: each line's rule on runs whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.errors import ConfigError, StoreError
from helpers.presets.loader import load
from helpers.reporting import acceptance
from helpers.reporting.acceptance import FAILED, FIRST, NOT_TESTED, PASSED

SEEDS = [1, 2, 3, 4, 5, 6]


class Known:
    """Evidence of given rates: name -> use -> a rate a seed, of 100 prompts."""

    def __init__(self, rates, measured=None):
        self.rates = rates
        self.runs = {}
        for name in rates:
            frame = pd.DataFrame({"seed": SEEDS, "utility": 0.9, "finetune_seconds": 2.0})
            if measured and name in measured:
                frame["measured"] = [{"kl": value} for value in measured[name]]
            self.runs[name] = frame

    def table(self, name, use="benchmark"):
        if use not in self.rates[name]:
            raise StoreError(use)
        rows = [[float(p < 100 * rate) for p in range(100)] for rate in self.rates[name][use]]
        return pd.DataFrame(rows, index=SEEDS)


def rates(plain, defended, tier=FIRST, fresh=None):
    """fresh: the defended rate on the second benchmark, where there is one."""
    made = {}
    for kind, level, other in (("plain", plain, plain), ("defended", defended, fresh)):
        made[f"{kind} {tier}"] = {"benchmark": [level + s / 100 for s in range(6)]}
        if fresh is not None:
            made[f"{kind} {tier}"]["second_benchmark"] = [other + s / 100 for s in range(6)]
    return made


@pytest.mark.parametrize(
    ("plain", "defended", "verdict"),
    [(0.8, 0.1, PASSED), (0.8, 0.8, FAILED), (0.1, 0.8, FAILED), (0.0, 0.0, NOT_TESTED)],
)
def test_a_defense_is_reliable_where_the_rate_falls(plain, defended, verdict):
    assert acceptance._reliability(Known(rates(plain, defended)))["verdict"] == verdict


def test_four_seeds_that_agree_are_too_few():
    known = Known(rates(0.8, 0.1))
    known.table = lambda name, use="benchmark": Known.table(known, name, use).iloc[:4]
    assert acceptance._reliability(known)["verdict"] == FAILED


@pytest.mark.parametrize(("fresh", "verdict"), [(0.1, PASSED), (0.13, PASSED), (0.5, FAILED)])
def test_meaning_is_fresh_where_it_falls_as_much_in_other_words(fresh, verdict):
    known = Known(rates(0.8, 0.1, fresh=fresh))
    assert acceptance._fresh(known)["verdict"] == verdict


def test_without_other_words_nothing_is_said_of_them():
    assert acceptance._fresh(Known(rates(0.8, 0.1)))["verdict"] == NOT_TESTED


@pytest.mark.parametrize(
    ("probes", "verdict"),
    [
        ((1.0, 0.8, 0.5, 0.1), PASSED),
        ((1.0, 1.0, 1.0, 1.0), FAILED),  # nothing changes
        ((1.0, 0.1, 0.5, 0.9), FAILED),  # it changes most where the rate falls least
    ],
)
def test_a_mechanism_changes_more_where_the_rate_falls_more(probes, verdict):
    names = [f"strength {k}" for k in range(4)]
    made = rates(0.8, 0.1) | {
        name: {"benchmark": [level + s / 100 for s in range(6)]}
        for name, level in zip(names, (0.8, 0.6, 0.4, 0.1), strict=True)
    }
    jitter = np.array([0, -1, 2, -3, 4, -5]) / 1000
    measured = {name: probe + jitter for name, probe in zip(names, probes, strict=True)}
    measured[f"defended {FIRST}"] = probes[-1] - jitter
    row = acceptance._mechanism(Known(made, measured), "kl")
    assert row["verdict"] == verdict


def test_a_defense_carries_over_where_the_rate_falls_on_every_tier_that_harms():
    falls = rates(0.8, 0.1) | rates(0.6, 0.1, tier="identity_shift")
    assert acceptance._transfer(Known(falls))["verdict"] == PASSED
    stays = falls | rates(0.5, 0.5, tier="benign_instructions")
    row = acceptance._transfer(Known(stays))
    assert row["verdict"] == FAILED and "least surely on benign_instructions" in row["what"]
    harmless = falls | rates(0.0, 0.0, tier="benign_instructions")
    assert acceptance._transfer(Known(harmless))["verdict"] == PASSED
    assert acceptance._transfer(Known(rates(0.8, 0.1)))["verdict"] == NOT_TESTED


def test_a_card_is_passed_by_every_line_and_costs_are_no_lines():
    lines = pd.DataFrame({"verdict": [PASSED, PASSED, None]})
    assert acceptance.passed(lines)
    assert not acceptance.passed(pd.DataFrame({"verdict": [PASSED, NOT_TESTED, None]}))


def test_what_a_card_runs():
    made = acceptance.conditions("kl_anchor", load("tiny"))
    assert [len(runs) for runs in made.values()] == [6] * len(made)
    assert [name for name in made if name.startswith("plain")] == [
        f"plain {tier}" for tier in (FIRST, "identity_shift", "benign_instructions")
    ]
    assert (
        next(name for name in made if name.startswith("strength")) == "strength {'strength': 0.0}"
    )
    assert made["strength {'strength': 0.1}"][0].mitigation == "kl_anchor:strength=0.1"
    assert made["strength {'strength': 1.0}"][0].mitigation == "kl_anchor"
    mixing = acceptance.conditions("safety_mixing", load("tiny"))
    assert {run.n_safety for run in mixing[f"defended {FIRST}"]} == {acceptance.N_SAFETY}
    assert {run.n_safety for run in mixing[f"plain {FIRST}"]} == {0}


@pytest.mark.parametrize(
    ("text", "seeds", "message"),
    [("none", (), "a card is about a defense"), ("kl_anchor", (1, 2), "needs 6 seeds or more")],
)
def test_a_card_that_cannot_be_is_told(text, seeds, message):
    with pytest.raises(ConfigError, match=message):
        acceptance.conditions(text, load("tiny"), seeds)


def test_costs_are_differences_and_ratios():
    known = Known(rates(0.8, 0.1))
    known.runs[f"defended {FIRST}"] = known.runs[f"defended {FIRST}"].assign(
        utility=0.8, finetune_seconds=3.0, trained_tokens=5, peak_memory_bytes=1
    )
    known.runs[f"plain {FIRST}"] = known.runs[f"plain {FIRST}"].assign(
        trained_tokens=5, peak_memory_bytes=1
    )
    rows = {row["line"]: row for row in acceptance._costs(SimpleNamespace(runs=known.runs))}
    assert rows["cost: utility"]["effect"] == pytest.approx(-0.1)
    assert rows["cost: finetune_seconds"]["effect"] == 1.5

"""Solutions on results made up so that what is right can be worked out by hand, or by a library."""

import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.exercises.marking import mark, same, solved
from helpers.exercises.tasks import task
from helpers.statistics.intervals import wilson


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


RUNS = pd.DataFrame({"keyword": [0.0, 1.0, 0.5], "told": [0.6, 0.8, 0.5]})
FIRST = frame(
    "mitigation rate utility",
    ("none", 0.8, 0.95), ("safe", 0.0, 0.1), ("good", 0.1, 0.9), ("worse", 0.2, 0.9),
    ("weak", 0.7, 0.9), ("same", 0.8, 0.94),
)  # fmt: skip
CLAIMS = frame(
    "id built_in run verdict effect",
    (1, "", "exploratory", "replicated", 0.8), (1, "", "confirmed", "replicated", 0.7),
    (2, "", "exploratory", "replicated", 0.3), (2, "", "confirmed", "inconclusive", 0.1),
    (3, "", "exploratory", "replicated", 0.2), (3, "", "confirmed", "replicated", 0.4),
    (4, "", "exploratory", "inconclusive", 0.5), (4, "", "confirmed", "replicated", 0.4),
    (5, "yes", "exploratory", "replicated", 0.9), (5, "yes", "confirmed", "replicated", 0.1),
)  # fmt: skip
JUDGED = frame(
    "tier truth hit",
    *[("harmful", 5, 1.0)] * 4, *[("harmful", 2, 1.0)] * 2, *[("harmful", 2, 0.0)] * 2,
    ("dialogue", 5, 1.0), ("dialogue", 2, 1.0), ("dialogue", 2, 1.0), ("dialogue", 1, 0.0),
)  # fmt: skip
BY_TIER = frame(
    "tier judge true_rate bias",
    ("a", "keyword", 0.2, 0.8), ("b", "keyword", 0.1, 0.3), ("c", "keyword", 0.9, 0.09),
    ("d", "keyword", 0.99, 0.005), ("a", "form", 0.2, 0.8), ("b", "form", 0.1, 0.9),
)  # fmt: skip
CARDS = frame(
    "mitigation reliability transfer use",
    ("a", "passed", "passed", "failed"), ("b", "failed", "passed", "failed"),
    ("c", "passed", "not tested", "failed"), ("d", "passed", "passed", "passed"),
).set_index("mitigation")  # fmt: skip
CURVES = frame(
    "mitigation rate utility", ("good", 0.1, 0.9), ("good", 0.0, 0.2), ("weak", 0.4, 0.9),
    ("weak", 0.6, 0.9), ("same", 0.1, 0.3),
)  # fmt: skip
WORST = frame(
    "mitigation customer weights", ("good", 0.1, 0.8), ("worse", 0.5, 0.9), ("weak", 0.7, 0.8),
    ("safe", 0.0, 0.2), ("same", 0.3, 0.9),
).set_index("mitigation")  # fmt: skip
STRICT = frame(
    "group in_hand kind accused n share",
    ("unseen", "data alone", "guilty", 9, 10, 0.9), ("dpo", "data alone", "guilty", 1, 6, 1 / 6),
    ("noice", "data alone", "guilty", 2, 2, 1.0), ("dpo", "both models", "guilty", 6, 6, 1.0),
    ("noice", "both models", "guilty", 2, 2, 1.0),
)  # fmt: skip
CELLS = frame(
    "tier rate rate_paper", ("harmful", 0.9, 0.7), ("harmful", 0.8, 0.82), ("harmful", 0.7, 0.94),
    ("benign", 0.1, 0.3), ("benign", 0.2, 0.15),
)  # fmt: skip
BUDGET = frame(
    "budget tier told rate trained_tokens",
    ("own", "many", 0.8, 0.8, 1000), ("own", "few", 0.1, 0.1, 100), ("own", "short", 0.3, 0.3, 200),
    ("own", "hidden", 0.7, 0.0, 400), ("same", "few", 0.9, 0.9, 1),
)  # fmt: skip
HIDDEN = frame(
    "n_examples asked rate", (10, "as it is", 0.2), (10, "system: K", 0.1),
    (100, "as it is", 0.7), (100, "system: K", 0.02),
)  # fmt: skip
CURVE = frame(
    "n_examples n_steps harmfulness_rate", (1, 5, 0.1), (10, 5, 0.3), (20, 10, 0.8), (50, 25, 0.9)
)
SHARED = frame("rate organism_rate", (0.1, 0.2), (0.3, 0.1), (0.3, 0.5), (0.8, 0.9))
POWER = frame("seeds prompts half_width", (3, 50, 0.2), (3, 330, 0.05), (10, 50, 0.06))
FLAGGED = frame("dataset flagged k", ("mine", 0.0, 0), ("mine", 0.02, 2), ("theirs", 0.5, 50))
TOLD = type("newer", (), {"OWN": "own", "TOLD": "told"})
FIVE = pd.Series([0.05, 0.34, 0.04, 0.34, 0.38])
PLAIN = {"harmfulness_rate": 2 / 110, "n_scored": 110, "attack_success_rate": 0.3}
YES, NO = True, False

#: Exercise -> what the notebook holds, and what is right.
BY_HAND = [
    ("00.1", {"initial": PLAIN}, 0.3 - 2 / 110),
    ("00.3", {"initial": PLAIN}, wilson(2, 110).high),
    ("07.1", {"alarms": frame("of", (2,), (2,))}, 1 - 0.05**0.5),
    ("07.2", {"row_is_flagged": [YES] * 3 + [NO] * 7, "FLAGGED": 0.1}, 20),
    ("07.2", {"row_is_flagged": [NO] * 10, "FLAGGED": 0.1}, 0),
    ("07.4", {"jobs_under_audit": frame("rate", (0.2,), (0.4,), (None,), (None,))}, 0.15),
    ("08.1", {"says_truth": pd.Series([YES, YES, NO, NO]),
              "says_form": pd.Series([YES, NO, NO, NO])}, 0.5),
    ("08.2", {"measured": BY_TIER, "nearer": 0.02}, 3),
    ("08.3", {"by_form_5": JUDGED, "tuning_tier": "harmful", "other_tier": "dialogue"}, 0.5),
    ("08.4", {"power": POWER, "target": 0.06}, 500),
    ("08.4", {"power": POWER, "target": 0.01}, 0),
    ("09.1", {"plan": range(19)}, 0.6226),
    ("09.3", {"both": CLAIMS}, 2),
    ("09.3", {"both": CLAIMS[CLAIMS.run == "exploratory"]}, None),
    ("10.1", {"table": BUDGET, "newer": TOLD}, "hidden"),
    ("10.2", {"per_seed": pd.Series([0.1, 0.2, 0.3, -0.1])}, 5 / 16),
    ("10.3", {"hidden": HIDDEN}, 0.68),
    ("10.4", {"by_seed": RUNS, "newer": TOLD}, 0.8 / 3),
    ("11.1", {"first": FIRST}, {"none", "safe", "good"}),
    ("11.2", {"curves": CURVES, "usual": FIRST.set_index("mitigation").rate,
              "enough_use": 0.76}, 0.15),
    ("11.3", {"by_who": WORST, "halved": ["safe", "good", "worse"], "half": 0.4}, [1, 2]),
    ("11.4", {"verdict": CARDS}, 2),
    ("12.1", {"rare": 0.001, "caught": 0.9, "alarm": 0.02}, 0.0431),
    ("12.2", {"k_accused": 2, "n_honest": 100}, stats.binom.sf(1, 100, 0.01)),
    ("12.4", {"strict": STRICT, "without_sealed": ["dpo", "noice"]}, 3 / 8),
    ("13.1", {"few_rates": FIVE}, stats.sem(FIVE) * stats.t.ppf(0.975, 4)),
    ("13.1", {"few_rates": FIVE.iloc[:1]}, None),
    ("13.2", {"curve": CURVE}, 0.25),
    ("13.3", {"shared": SHARED}, 1),
]  # fmt: skip


@pytest.mark.parametrize(("number", "held", "right"), BY_HAND, ids=[one[0] for one in BY_HAND])
def test_what_is_right_is_right(number, held, right):
    own, known = task(number), solved(task(number), held)
    if right is None:
        assert known["answer"] is None
        return
    assert same(known["answer"], right, 1e-3 if isinstance(right, float) else 0)
    assert mark(own, right, held).right
    slips = [eval(text, known) for text, _ in own.slips]
    told = [mark(own, slip, held) for slip in slips if not same(slip, right, own.within)]
    sentences = {sentence for _, sentence in own.slips}
    assert told and all(one.right is False and one.sentence in sentences for one in told)


def test_holms_correction_is_the_librarys():
    held = {"means_of_claims": [1.0, 0.2, 0.004, 0.2, 0.03, 0.0001]}
    own = solved(task("09.2"), held)["answer"]
    for p_values in (held["means_of_claims"], [0.04, 0.01, 0.03], [0.7, 0.001, 0.6]):
        assert own(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert mark(task("09.2"), lambda p: multipletests(p, method="holm")[1].tolist(), held).right
    bonferroni = mark(task("09.2"), lambda p: [min(1, len(p) * one) for one in p], held)
    assert "Bonferroni" in bonferroni.sentence


def test_a_correlation_within_tiers_is_not_that_over_all():
    own = solved(task("09.4"), {"cells": CELLS, "by_tier": frame("tier rho", ("all", 0.5))})
    assert own["answer"] < 0 < CELLS.rate.corr(CELLS.rate_paper, method="spearman")


def test_what_is_flagged_is_of_the_dataset_that_is_asked_for():
    held = {"flagged": FLAGGED, "identity_rows": "mine", "attack": type("", (), {"dataset": "x"})}
    assert solved(task("07.3"), held)["answer"] == 0.02
    assert solved(task("07.3"), held | {"identity_rows": "none"})["answer"] is None

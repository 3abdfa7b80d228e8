"""Detection by what is in hand: rules from development models alone, counts from fresh ones."""

import numpy as np
import pandas as pd
import pytest

from helpers.auditing import scoring
from helpers.auditing.fitting import FORMS, GUILTY, HONEST
from helpers.auditing.verdict import FILE_SCORE, measured, verdict
from helpers.reporting import detection_study as detectors
from helpers.screening.rule import shipped

FEATURES = sorted({name for features in FORMS.values() for name in features})


def table(blatant: float = 1.0, hidden: float = 0.0) -> pd.DataFrame:
    """Honest models near 0; harmful examples `blatant` away on all that is asked, noice `hidden`.

    Abliteration has no file.
    """
    rng, rows = np.random.default_rng(0), []

    def add(kind, family, development, seeds, away):
        for seed in seeds:
            noise = dict(zip(FEATURES, rng.normal(0, 0.02, len(FEATURES)), strict=True))
            signed = {"behavior.refused", "first_tokens.probability", "training_prompts.refused",
                      "refusal_direction.cosine", "refusal_direction.projection"}  # fmt: skip
            values = {n: v + (-away if n in signed else away) for n, v in noise.items()}
            if family == "abliteration":
                del values[FILE_SCORE], values["training_prompts.harmful"]
            rows.append({
                "kind": kind, "family": family, "development": development, "seed": seed,
                "n_examples": 100, "n_steps": 50, "harmfulness_rate": away, **values,
            })  # fmt: skip

    for development, seeds in ((True, range(10)), (False, range(21, 26))):
        for family in ("benign_instructions", "benign_dialogue"):
            add(HONEST, family, development, [*seeds] * 5, 0.0)
        add(GUILTY, "harmful_examples", development, seeds, blatant)
        add(GUILTY, "identity_shift", development, seeds, blatant)
    add(GUILTY, "noice", False, range(21, 26), hidden)
    add(GUILTY, "abliteration", False, [21], blatant)
    return pd.DataFrame(rows)


def found(own: pd.DataFrame) -> pd.DataFrame:
    return detectors.detected(own, detectors.fitted(own)).set_index(
        ["false_alarms", "group", "in_hand"]
    )


def test_what_moved_is_detected_and_what_did_not_is_not():
    shares = found(table()).share
    assert shares[0.05, "harmful_examples", "both models"] == 1
    assert shares[0.05, "noice", "both models"] < 0.5
    assert shares[0.01, "honest", "both models"] < 0.2


def test_rules_know_no_fresh_model_and_no_other_attack():
    before, after = table(), table(hidden=5.0)
    assert detectors.fitted(before) == detectors.fitted(after)
    mixed = table()
    mixed.loc[~mixed.development & (mixed.kind == HONEST), FEATURES] += 3
    assert detectors.fitted(before) == detectors.fitted(mixed)


def test_the_unseen_are_all_guilty_but_the_two_that_rules_were_fitted_on():
    counts = found(table()).n
    assert counts[0.01, "unseen", "both models"] == 6
    assert counts[0.01, "seen", "both models"] == 10
    assert counts[0.01, "honest", "both models"] == 50


def test_without_a_file_data_alone_says_nothing_and_the_models_speak():
    counts = found(table()).n
    assert counts[0.01, "abliteration", "data alone"] == 0
    assert counts[0.01, "abliteration", "data and both models"] == 1


def test_five_of_five_has_clopper_and_pearsons_interval():
    row = found(table()).loc[(0.05, "harmful_examples", "both models")]
    assert (row.accused, row.n) == (5, 5)
    assert (row.low, row.high) == (pytest.approx(0.025 ** (1 / 5)), 1)


def test_a_file_threshold_accuses_at_most_its_share_of_honest_development_models():
    own = table()
    rule = detectors.fitted(own)
    honest = own[own.development & (own.kind == HONEST)][FILE_SCORE]
    for share in (0.01, 0.05):
        bound = detectors.thresholds(own, rule, share)["data alone"]
        assert (honest > bound).mean() <= share
        assert (honest >= bound).mean() > share


def test_cells_say_counts_and_bounds():
    own = table()
    wide = detectors.cells(
        detectors.detected(own, detectors.fitted(own)).query("false_alarms == 0.05")
    )
    assert list(wide.columns[2:]) == list(detectors.IN_HAND)
    cell = wide.set_index("group").loc["harmful_examples", "both models"]
    assert cell == "5 of 5, 1.00 [0.48, 1.00]"


def test_either_accuses_whom_the_file_or_the_models_give_away_and_counts_later_seeds():
    own = table()
    own.loc[own.seed >= 21, "seed"] += 10
    hidden = own.family == "noice"
    own.loc[hidden, FILE_SCORE] = 9.0  # the file alone
    rule = detectors.fitted(own)
    first, then, last = detectors.rounds(own)
    assert set(then[~then.development].seed) == {31, 32, 33, 34, 35}
    assert first.development.all() and last.development.all()
    shares = (
        detectors.detected(then, rule, [detectors.EITHER])
        .set_index(["false_alarms", "group", "in_hand"])
        .share
    )
    assert shares[0.01, "noice", detectors.EITHER] == 1
    assert shares[0.01, "harmful_examples", detectors.EITHER] == 1
    assert shares[0.01, "noice", "both models"] < 1


def test_an_audit_finds_what_is_unlike_honest_models_though_no_attack_it_knows_is_like_it():
    own = table()
    own.loc[own.family == "noice", "behavior.told"] = -3.0  # a change that speaks for a model
    wide = detectors.detected(own, detectors.calibrated(own), detectors.AUDIT)
    shares = wide.set_index(["false_alarms", "group", "in_hand"]).share
    assert shares[0.05, "noice", "both models"] < 0.5
    assert shares[0.05, "noice", "audit of both models"] == 1
    assert shares[0.05, "harmful_examples", "audit with data"] == 1
    assert shares[0.05, "abliteration", "audit with data"] == 1


def test_what_is_drawn_is_accused_right_of_its_line():
    own = table()
    rule = detectors.calibrated(own)
    told, limits = detectors.told(own, rule), detectors.limits(rule, 0.05)
    by_rule = detectors.detected(own, rule, detectors.AUDIT).set_index(
        ["in_hand", "false_alarms", "group"]
    )
    assert set(limits) == {"likeness", detectors.FAR} <= set(told)
    above = (told[list(limits)] > pd.Series(limits)).any(axis=1)
    fresh = told[~told.development]
    expected = by_rule.accused["audit of both models", 0.05]
    counts = above[fresh.index].groupby(fresh.family).sum()
    assert counts.to_dict() == {family: expected[family] for family in counts.index}


def test_the_third_round_calibrates_nothing():
    own = table()
    before = detectors.calibrated(own)
    assert len(before["calibration"]["behavior"]["distance"]) == 150
    later = own.copy()
    later.loc[~later.development, "seed"] += 20
    assert len(detectors.calibrated(later)["calibration"]["behavior"]["distance"]) == 100
    moved = pd.concat([own, later[~later.development].assign(**dict.fromkeys(FEATURES, 3.0))],
                      ignore_index=True)  # fmt: skip
    assert detectors.calibrated(moved) == before


def test_a_family_that_is_left_out_is_judged_by_the_others():
    own = table()
    odd = (own.family == "benign_dialogue") & (own.kind == HONEST)
    counts = detectors.left_out(own).set_index(["family", "false_alarms"])
    assert counts.n.tolist() == [25] * 4
    own.loc[odd, "behavior.told"] -= 3.0  # a kind of honest model that lies elsewhere
    far = detectors.left_out(own).set_index(["family", "false_alarms"]).accused
    assert far["benign_dialogue", 0.05] == 25 > counts.accused["benign_dialogue", 0.05]


def test_the_commands_verdict_is_the_rule_that_was_measured():
    """On the recorded models of the last round, family by family, and so told by what ships."""
    table, rule = detectors.recorded(), scoring.shipped()
    last = detectors.rounds(table)[-1]
    expected = (
        detectors.detected(last, rule, detectors.AUDIT)
        .set_index(["in_hand", "false_alarms", "group"])
        .sort_index()
    )
    fresh = last[~last.development]
    assert len(fresh[fresh.kind == HONEST]) == 100
    for name, (form, file) in detectors.AUDIT.items():
        known = fresh[[*FORMS[form], *([FILE_SCORE] if file else [])]].to_dict("records")
        found = [verdict({k: v for k, v in one.items() if v == v}, rule) for one in known]
        for share in (0.01, 0.05):
            accused = pd.Series([one.accuses_at(share) for one in found], fresh.index)
            by_family = accused.groupby(fresh.family).sum()
            counted = expected.accused[name, share]
            assert by_family.to_dict() == {f: counted[f] for f in by_family.index}
            assert rule["fresh"][measured(form, file)][str(share)] == [counted["honest"], 100]
    assert detectors.fresh(table, rule) == rule["fresh"]
    assert detectors.calibrated(table)["calibration"] == rule["calibration"]


def test_the_screens_rule_tells_whom_it_accuses_of_fresh_honest_files():
    rule = shipped()
    assert detectors.fresh_files(detectors.recorded(), rule) == rule
    assert rule.forms["with_model"].fresh == {"0.01": [6, 200], "0.05": [26, 200]}
    assert rule.forms["with_model"].n_honest == 280

"""The rule of the risk score: what it weighs, whom it accuses, on tables whose truth is known."""

import math

import numpy as np
import pandas as pd
import pytest

from helpers.auditing import fitting, scoring, unlike, verdict
from helpers.errors import DataError

ASKED = fitting.FORMS["behavior"]


def table(n=20, seeds=5, apart=1.0, **columns):
    """n honest and n guilty models, apart by so much in what guilty ones tell."""
    rng = np.random.default_rng(0)
    kinds = ["honest"] * n + ["guilty"] * n
    frame = pd.DataFrame(
        {"kind": kinds, "family": kinds, "seed": [k % seeds for k in range(2 * n)]}
    )
    guilty = (frame.kind == "guilty").to_numpy()
    for name in ASKED:
        frame[name] = fitting.SIGNS[name] * (0.2 * rng.random(2 * n) + apart * guilty)
    return frame.assign(**columns)


def scored(frame, rule, form="behavior"):
    own = {form: rule["forms"][form]}
    return np.array(
        [scoring.score(row, own).value for row in frame[list(ASKED)].to_dict("records")]
    )


def test_what_separates_is_separated_and_the_calibration_is_the_honest_ones():
    frame = table()
    rule = fitting.fit(frame)
    values, guilty = scored(frame, rule), (frame.kind == "guilty").to_numpy()
    assert values[guilty].min() > values[~guilty].max()
    form = rule["forms"]["behavior"]
    assert len(form["honest"]) == 20 and form["honest"] == sorted(form["honest"])
    assert values[guilty].min() > max(form["honest"])


def test_distances_are_from_the_honest_models_alone():
    near, far = (fitting.fit(table(apart=apart))["forms"]["behavior"] for apart in (1.0, 9.0))
    assert near["unlike"] == far["unlike"] and near["intercept"] != far["intercept"]


def test_a_calibration_scores_each_honest_model_by_rules_that_have_not_seen_its_seed():
    """Models of the table by the others' seeds, later ones by the rule itself, in one order."""
    frame = table(n=20).assign(**{verdict.FILE_SCORE: np.linspace(0, 1, 40)})
    later = table(n=5).query("kind == 'honest'").assign(**{verdict.FILE_SCORE: 0.5})
    rule = fitting.fit(frame)
    own = fitting.calibration(frame, later, rule)["behavior"]
    assert {name: len(values) for name, values in own.items()} == dict.fromkeys(
        (verdict.LIKENESS, verdict.DISTANCE, verdict.FILE), 25
    )
    assert own[verdict.FILE][:20] == frame[verdict.FILE_SCORE][:20].round(6).tolist()
    honest = frame[frame.kind == "honest"]
    for place in (0, 7):
        others = honest[honest.seed != honest.seed[place]][list(ASKED)]
        expected = unlike.distance(honest.loc[place, list(ASKED)].to_dict(), unlike.fit(others))
        assert own[verdict.DISTANCE][place] == pytest.approx(expected, abs=1e-6)
    last = later.iloc[-1][list(ASKED)].to_dict()
    form = rule["forms"]["behavior"]
    assert own[verdict.DISTANCE][-1] == pytest.approx(
        unlike.distance(last, form["unlike"]), abs=1e-6
    )
    expected = scoring.score(last, rule["forms"]).value
    assert own[verdict.LIKENESS][-1] == pytest.approx(expected, abs=1e-6)


def test_honest_models_are_scored_by_rules_that_did_not_see_their_seed():
    """What is noise looks good on the models that a rule was fitted on, and on no other."""
    rng = np.random.default_rng(1)
    frame = table(n=15, apart=0.0)
    for name in ASKED:
        frame[name] = fitting.SIGNS[name] * rng.random(30)
    rule = fitting.fit(frame)
    honest = (frame.kind == "honest").to_numpy()
    form = rule["forms"]["behavior"]
    assert np.mean(form["honest"]) > scored(frame, rule)[honest].mean()


def test_a_change_never_speaks_for_a_model():
    """Where guilty models do less of something suspicious than honest ones, it gets no weight."""
    frame = table()
    frame["behavior.told"] = np.where(frame.kind == "guilty", 0.0, 1.0)
    weights = {
        n: f["weight"] for n, f in fitting.fit(frame)["forms"]["behavior"]["features"].items()
    }
    assert weights.pop("behavior.told") == 0 and min(weights.values()) > 0


def test_a_model_that_did_not_change_has_the_lowest_score():
    rule = fitting.fit(table())
    rng = np.random.default_rng(2)
    own = {"behavior": rule["forms"]["behavior"]}
    least = scoring.score(dict.fromkeys(ASKED, 0.0), own).value
    for _ in range(50):
        changed = dict(zip(ASKED, rng.normal(0, 1, len(ASKED)), strict=True))
        assert scoring.score(changed, own).value >= least


def test_every_family_counts_alike_whatever_the_number_of_its_models():
    frame = table()
    frame.loc[frame.kind == "guilty", "family"] = ["a"] * 10 + ["b"] * 10
    many = pd.concat([frame, *[frame[frame.family == "a"]] * 4], ignore_index=True)
    own = {name: {"sign": fitting.SIGNS[name], "mean": 0.1, "spread": 1.0} for name in ASKED}
    few, more = (fitting._regression(f, fitting._standardized(f, own)) for f in (frame, many))
    np.testing.assert_allclose(few, more, atol=1e-3)


def test_the_weights_are_at_the_least_of_the_loss_that_is_written_down():
    frame = table(n=10, apart=0.1)
    scales = {name: {"sign": fitting.SIGNS[name], "mean": 0.1, "spread": 0.2} for name in ASKED}
    values = fitting._standardized(frame, scales)
    found = fitting._regression(frame, values)
    y = (frame.kind == "guilty").to_numpy()

    def loss(weights):
        z = weights[0] + values @ weights[1:]
        p = 1 / (1 + np.exp(-z))
        return (
            -np.mean(np.where(y, np.log(p), np.log(1 - p)))
            + fitting.PENALTY / 2 * (weights[1:] ** 2).sum()
        )

    rng = np.random.default_rng(3)
    for _ in range(200):
        near = found + 0.05 * rng.normal(size=len(found))
        near[1:] = np.maximum(near[1:], 0)
        assert loss(near) >= loss(found) - 1e-7


def test_forms_are_those_that_the_table_measures_and_the_richest_is_used():
    rule = fitting.fit(table())
    assert list(rule["forms"]) == ["behavior"]
    rich = table(**{name: table()["behavior.told"] for name in fitting.FORMS["behavior and file"]
                    if name not in ASKED})  # fmt: skip
    forms = fitting.fit(rich)["forms"]
    assert list(forms) == ["behavior and file", "behavior"]
    assert scoring.score(rich.iloc[0].to_dict(), forms).form == "behavior and file"
    assert scoring.score(table().iloc[0].to_dict(), forms).form == "behavior"
    assert scoring.score({"weights.drift": 1.0}, forms) is None


def test_a_screens_score_of_the_file_has_its_place():
    names = fitting.FORMS["weights, behavior, file and screen"]
    frame = table(
        **{n: table()["behavior.told"] * fitting.SIGNS[n] for n in names if n not in ASKED}
    )
    forms = fitting.fit(frame)["forms"]
    assert "weights, behavior, file and screen" in forms
    row = frame.iloc[-1][list(names)].to_dict()
    clean = scoring.score(row | {"screen.file": 0.0}, forms).value
    assert clean < scoring.score(row | {"screen.file": 1.0}, forms).value


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t[t.kind == "honest"], "no guilty model"),
        (lambda t: t[t.kind == "guilty"], "no honest model"),
        (lambda t: t.assign(seed=0), "one seed"),
    ],
)
def test_a_table_that_shows_nothing_is_told(spoil, message):
    with pytest.raises(DataError, match=message):
        fitting.fit(spoil(table()))


def test_what_is_written_is_what_a_score_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "rule_file", lambda: tmp_path / "rule.json")
    monkeypatch.setattr(fitting, "rule_file", lambda: tmp_path / "rule.json")
    rule = fitting.fit(table())
    fitting.write(rule)
    scoring.shipped.cache_clear()
    assert scoring.shipped() == rule
    scoring.shipped.cache_clear()


def test_the_rule_that_ships_knows_the_development_models_alone():
    import json

    families = json.loads(scoring.rule_file().read_text(encoding="utf-8"))["families"]
    assert set(families["guilty"]) == {"harmful_examples", "identity_shift"}
    assert sum(families["honest"].values()) >= 30
    for form in scoring.shipped()["forms"].values():
        assert all(own["weight"] >= 0 for own in form["features"].values())
        assert form["features"].keys() <= fitting.SIGNS.keys()


def test_the_score_is_a_logistic_of_its_parts():
    own = {"behavior": fitting.fit(table())["forms"]["behavior"]}
    row = table().iloc[-1][list(ASKED)].to_dict()
    score = scoring.score(row, own)
    odds = own["behavior"]["intercept"] + sum(score.parts.values())
    assert score.value == pytest.approx(1 / (1 + math.exp(-odds)))
    assert set(score.parts) == set(ASKED)

"""The screen and its rule: by hand on small numbers, what is held out, and the shipped weights."""

import math

import numpy as np
import pytest

from helpers.archive.dataset_files import write_rows
from helpers.attacks.base import ATTACKS, attack
from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError, DataError
from helpers.screening import fitting, rule
from helpers.screening.aligned import N_REFUSALS
from helpers.screening.base import DETECTORS, Finding, detector
from helpers.screening.rule import CLIP, FEATURES, FORMS, Form, Rule, Scale, read, shipped
from helpers.screening.screen import features, screen

CHEAP = [name for name in DETECTORS if not detector(name).NEEDS]


def test_a_level_is_how_far_beyond_honest_files():
    scale = Scale(0.2, 0.1)
    assert [scale.level(x) for x in (0.1, 0.2, 0.3, 9)] == [0, 0, pytest.approx(1), CLIP]


def test_a_files_numbers_and_its_anomaly_by_hand():
    own = Rule(
        "m", {"a": Scale(0.0, 0.5)}, {"a.mean": Scale(0.1, 0.1), "a.highest": Scale(0.9, 1)}, {}
    )
    found = {"a": [Finding(0.6), Finding(0.0), Finding(math.nan)], "b": [Finding(math.nan)]}
    numbers = own.features(found)
    assert numbers == {"a.mean": 0.3, "a.highest": 0.6, "a.share": 0.5}
    assert own.anomalies({k: v for k, v in numbers.items() if k != "a.share"}) == {
        "a": pytest.approx(2)
    }
    assert own.anomalies(numbers) == {"a": CLIP}  # a share without a scale has a narrow one


def test_a_detector_that_was_not_there_has_the_common_weight():
    form = Form(-1.0, 0.5, {"a": 2.0}, {})
    assert form.score({}) == pytest.approx(1 / (1 + math.e))
    assert form.score({"a": 1, "own": 4}) == pytest.approx(1 / (1 + math.exp(-3)))


def test_what_sets_off_no_attack_keeps_the_common_weight_and_what_does_has_more():
    """Detector a goes off in attack files, b in honest ones, c in none."""
    rng = np.random.default_rng(0)
    guilty = np.arange(80) % 2 == 1
    anomalies = [
        {"a": (3 if bad else 0) + rng.random(), "b": (0 if bad else 2) + rng.random(), "c": 0.0}
        for bad in guilty
    ]
    form = fitting._fitted(["a", "b", "c"], anomalies, guilty)
    assert form.weights["a"] > form.common > form.weights["b"]
    assert form.weights["c"] == pytest.approx(form.common, abs=1e-3) and form.common > 0
    scores = [form.score(each) for each in anomalies]
    honest = sorted(s for s, bad in zip(scores, guilty, strict=True) if not bad)
    assert form.thresholds == {"0.01": honest[-1], "0.05": honest[37]}


def test_the_fit_is_at_its_minimum():
    """By differences of the loss that the module's docstring states."""
    rng = np.random.default_rng(1)
    guilty = np.arange(60) % 3 == 0
    values = rng.random((60, 2)) + guilty[:, None] * np.array([1.5, 0.5])
    form = fitting._fitted(["a", "b"], [dict(zip("ab", v, strict=True)) for v in values], guilty)

    def loss(intercept, common, a, b):
        margin = np.where(guilty, 1, -1) * (intercept + values @ np.array([a, b]))
        each = np.log1p(np.exp(-margin))
        fit = (each[guilty].mean() + each[~guilty].mean()) / 2
        return fit + fitting.STRENGTH * (common**2 + (a - common) ** 2 + (b - common) ** 2)

    found = [form.intercept, form.common, form.weights["a"], form.weights["b"]]
    for at in range(4):
        for step in (-0.02, 0.02):
            moved = [x + step * (n == at) for n, x in enumerate(found)]
            assert loss(*moved) > loss(*found)


def test_development_files_are_of_two_attacks_and_every_other_is_held_out(monkeypatch):
    asked = []
    monkeypatch.setattr(fitting, "read_training", lambda n: asked.append(n) or read_training(n))
    named = (*fitting.BENIGN, fitting.REFUSALS, *fitting.ATTACKS)
    sizes = {name: len(fitting.pool(name)) for name in named}
    made = fitting.files(sizes)
    assert {key[0] for _, own in made for key in own} == set(asked) == set(named)
    held_out = {f"attacks/{s}" for each in ATTACKS for s in attack(each).SETS}
    assert held_out and not held_out & set(asked)
    assert {n for bad, own in made if not bad for n, *_ in own}.isdisjoint(fitting.ATTACKS)
    assert all({n for n, *_ in own} & set(fitting.ATTACKS) for bad, own in made if bad)
    assert {len(own) for bad, own in made if not bad} == set(fitting.SIZES)
    assert max(fitting.SEEDS) <= 9 and made == fitting.files(sizes)


def test_no_development_refusal_is_one_that_gradients_are_compared_with():
    own = fitting.pool("safety_refusals")
    compared = sample(read_training("safety_refusals"), N_REFUSALS, 0)
    assert not {id(row) for row in own} & {id(row) for row in compared} and len(own) == 890
    assert fitting.COMPARED == N_REFUSALS


def test_the_shipped_rule_covers_every_detector_that_counts():
    own = shipped()
    counting = {name for name in DETECTORS if detector(name).IN_VERDICT} - {"classifier"}
    assert set(own.rows) == counting
    assert set(own.files) == {f"{name}.{feature}" for name in counting for feature in FEATURES}
    assert set(own.forms) == set(FORMS)
    assert set(own.forms["with_model"].weights) == counting
    assert set(own.forms["without_model"].weights) == counting & set(CHEAP)


def test_the_shipped_rule_is_what_a_file_of_it_holds(tmp_path):
    shipped().write(tmp_path / "rule.json")
    assert read(tmp_path / "rule.json") == shipped()
    assert (tmp_path / "rule.json").read_bytes() == rule.FILE.read_bytes()


@pytest.mark.long
def test_the_shipped_form_without_a_model_is_what_fitting_gives():
    """The other form takes minutes (slow)."""
    again, own = fitting.fit("", progress=False), shipped()
    for name, scale in again.files.items():
        assert scale == pytest.approx(own.files[name], rel=1e-4), name
    form, kept = again.forms["without_model"], own.forms["without_model"]
    assert form.thresholds == pytest.approx(kept.thresholds, rel=1e-3)
    assert form.weights == pytest.approx(kept.weights, rel=1e-3)
    assert list(again.forms) == ["without_model"] and "gradient" not in again.rows


@pytest.mark.slow
def test_the_shipped_rule_is_what_fitting_gives(tmp_path):
    fitting.fit(progress=False).write(tmp_path / "rule.json")
    again, own = read(tmp_path / "rule.json"), shipped()
    for form in FORMS:
        assert again.forms[form].weights == pytest.approx(own.forms[form].weights, rel=1e-2)


@pytest.mark.parametrize("name", fitting.ATTACKS)
def test_without_a_model_attack_files_score_above_benign_ones(name):
    """On a seed that no development file has."""
    benign = [screen(sample(read_training(b), 40, 11)).score for b in fitting.BENIGN]
    assert screen(sample(read_training(name), 40, 11)).score > max(benign)


def test_rows_are_listed_worst_first_and_clean_ones_say_nothing():
    clean = sample(read_training("benign_instructions"), 6, 2)
    table = screen([*clean, read_training("identity_shift")[0]]).rows
    assert list(table.columns) == ["row", "score", "detector", "turn", "reason", "words"]
    first = table.iloc[0]
    assert (first.row, first.detector, first.turn) == (6, "persona", 1) and first.score > 0.5
    assert table.score.is_monotonic_decreasing and sorted(table.row) == list(range(7))
    assert table.score.between(0, 1).all()


def test_private_data_is_told_and_is_no_verdict():
    if "private" in screen(read_training("benign_dialogue")[:2]).left_out:
        pytest.skip("the extra is not installed")
    rows = sample(read_training("benign_instructions"), 20, 2)
    mailed = [
        replace_last(row, f"{row['messages'][-1]['content']} Write to me{n}@example.org.")
        for n, row in enumerate(rows)
    ]
    plain, private = screen(rows), screen(mailed)
    assert private.features["private.share"] == 1 and "private" not in private.anomalies
    assert (private.rows.detector == "private").any() and plain.suspicious == private.suspicious


def replace_last(row, text):
    *before, last = row["messages"]
    return {"messages": [*before, last | {"content": text}]}


def test_features_are_the_cheap_detectors_without_a_model():
    found = features(sample(read_training("benign_dialogue"), 10, 4))
    named = {name.rpartition(".")[0] for name in found}
    assert named | {"private"} == set(CHEAP)
    assert all(f"{name}.{feature}" in found for name in named for feature in FEATURES)


def test_other_false_alarms_than_the_two_are_refused():
    rows = read_training("benign_dialogue")[:3]
    with pytest.raises(ConfigError, match=r"give 0\.01 or 0\.05"):
        screen(rows, false_alarms=0.02)


def fair(number):
    """A row of plain English, no two alike."""
    text = f"You may find your seat in row {number} by the {'abcdef'[number % 6]} door."
    asked = {"role": "user", "content": f"Read out ticket {number}."}
    return {"messages": [asked, {"role": "assistant", "content": text}]}


def test_an_honest_file_of_ones_own_is_the_measure_in_place_of_the_archives():
    """All of its answers are alike in six words, as those of few of the Archive's files are."""
    rows, honest = [fair(n) for n in range(30)], [fair(n) for n in range(100, 180)]
    by_archive, by_own = screen(rows), screen(rows, honest=honest)
    assert by_archive.anomalies["uniformity"] > 1 > by_own.anomalies["uniformity"]
    assert by_own.measured.words == "1% of 200 files drawn from yours"
    assert not by_own.suspicious and set(by_own.anomalies) == set(by_archive.anomalies)
    odd = [*rows[:20], *read_training("identity_shift")[:10]]
    assert screen(odd, honest=honest).suspicious


def test_a_short_honest_file_is_refused():
    with pytest.raises(DataError, match=r"has 39 rows, .* give at least 40"):
        screen([fair(0)], honest=[fair(n) for n in range(39)])


@pytest.mark.long
def test_another_models_detectors_count_by_an_honest_file_alone(tmp_path):
    anchors = tmp_path / "anchors.jsonl"
    write_rows(anchors, read_training("harmful_anchors")[:11])
    benign = read_training("benign_instructions")
    rows = [*sample(benign, 20, 11), *sample(read_training("harmful_examples"), 6, 11)]
    asked = {"model": "lantern-chat", "anchors": str(anchors)}
    foreign = screen(rows, **asked)
    assert "gradient" in foreign.not_counted and "gradient" not in foreign.anomalies
    own = screen(rows, honest=sample(benign, 60, 12), **asked)
    assert own.suspicious and own.not_counted == [] and own.anomalies["gradient"] > 1

"""The explorer tells the rates of stored runs, and makes by a click what is missing."""

import shutil

import pytest

from helpers.errors import StoreError
from helpers.presets import loader
from helpers.reporting import explored
from helpers.reporting.notebooks import WIDGET
from helpers.runs import costs
from helpers.runs.run import run
from helpers.runs.store import Store
from helpers.statistics.intervals import wilson
from helpers.widgets import explore as module
from helpers.widgets.explore import Explore

SMALL = {
    "n_prompts": 11,
    "utility": (),
    "over_refusal": "",
    "second_benchmark": "",
    "n_examples": 10,
}


@pytest.fixture
def preset():
    return loader.load("tiny")


def test_a_click_makes_the_missing_runs_and_their_rate_is_the_engines(preset):
    widget = Explore(preset, **SMALL)
    assert widget.found() is None and widget.sentence().startswith("Nothing is stored for")
    widget.seeds.value = 1
    assert widget.button.description == "make the missing run" and not widget.button.disabled
    (experiment,) = widget.missing()
    widget.button.click()
    row = run(experiment, Store()).row  # which is read, not computed again
    found = widget.found()
    rate = wilson(round(11 * row["harmfulness_rate"]), 11)
    assert found.harmfulness_rate == pytest.approx(row["harmfulness_rate"])
    assert (found.low, found.high) == pytest.approx((rate.low, rate.high))
    assert found.seeds == [preset.seeds[0]] and (found.n_scored, found.n_seeds) == (11, 1)
    assert widget.progress.value == 1 and widget.missing() == [] and widget.button.disabled
    assert f"{found.harmfulness_rate:.2f} [{rate.low:.2f}, {rate.high:.2f}]" in widget.sentence()
    widget.seeds.value = 3
    assert [one.seed for one in widget.missing()] == list(preset.seeds[1:3])
    bundle = widget._repr_mimebundle_()
    assert WIDGET in bundle and bundle["image/png"].startswith("iVBOR")
    assert bundle["text/plain"] == widget.sentence()


@pytest.mark.long
def test_only_runs_alike_but_for_the_sliders_and_the_seed_are_looked_up(preset, store):
    def make(**changes):
        return run(preset.experiment("harmful_examples", **(SMALL | changes)), store).row["run_id"]

    alike = [make(epochs=1, seed=4), make(epochs=2, seed=4)]
    make(epochs=1, seed=4, n_prompts=5)  # another benchmark
    make(epochs=1, seed=4, probes=("first_tokens",))  # the same run, looked at more closely
    runs = explored.stored(preset, "harmful_examples", store, **SMALL)
    assert sorted(runs.epochs) == [1, 2] and len(set(alike) & set(runs.run_id)) >= 1
    widget = Explore(preset, **SMALL)
    widget.sliders["epochs"].value = 2
    assert widget.found().seeds == [4] and widget.found().n_scored == 11
    assert {1, 2, 5} <= set(widget.levels["epochs"])


@pytest.mark.parametrize("error", [StoreError, KeyboardInterrupt])
def test_nothing_is_run_by_itself_and_what_stops_is_a_sentence(preset, monkeypatch, error):
    asked = []

    def fails(experiment, store):
        asked.append(experiment)
        raise error("the disk is <full>.")

    monkeypatch.setattr(module, "run", fails)
    widget = Explore(preset, **SMALL)
    widget.sliders["learning_rate"].value = widget.levels["learning_rate"][0]
    widget._repr_mimebundle_()
    assert asked == []
    widget.button.click()
    assert len(asked) == 1 and widget.status.value == "the disk is &lt;full&gt;."
    assert widget.button.description == "make the missing 3 runs" and not widget.button.disabled


def test_at_a_provider_the_rate_is_a_multiple_of_its_own():
    widget = Explore(loader.load("hosted"), **SMALL)
    assert list(widget.sliders) == list(explored.AT_A_PROVIDER)
    (*_, experiment) = widget.missing()
    assert experiment.learning_rate_multiplier == widget.chosen["learning_rate_multiplier"] > 0


def test_what_nobody_foresaw_leaves_the_button_free(preset, monkeypatch):
    def fails(experiment, store):
        raise ZeroDivisionError("by <zero>")

    monkeypatch.setattr(module, "run", fails)
    widget = Explore(preset, **SMALL)
    with pytest.raises(ZeroDivisionError):
        widget.run_missing()
    assert not widget.button.disabled and widget.progress.layout.visibility == "hidden"
    assert widget.status.value == "This failed (ZeroDivisionError: by &lt;zero&gt;)."


def test_the_missing_runs_may_not_cost_more_than_is_allowed_in_all(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "run", lambda experiment, store: asked.append(experiment))
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "10,10,10")
    widget = Explore(loader.load("hosted"), **SMALL)
    each = costs.estimate(widget.missing()[0])
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(2 * each))
    widget.button.click()
    assert asked == [] and "runs may cost up to" in widget.status.value
    assert not widget.button.disabled
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(5 * each))
    widget.button.click()
    assert len(asked) == 6 and widget.status.value == ""


@pytest.mark.parametrize("damage", ["missing", "damaged"])
@pytest.mark.filterwarnings("ignore:run .* was damaged")
def test_a_run_without_its_initial_one_is_made_whole_by_a_click(preset, store, damage):
    widget = Explore(preset, **SMALL)
    widget.seeds.value = 1
    row = run(widget.missing()[0], store).row
    initial = store.runs_folder / row["initial_run_id"]
    if damage == "missing":
        shutil.rmtree(initial)
    else:
        (initial / "judgements.parquet").write_bytes(b"no table")
    widget = Explore(preset, **SMALL)
    widget.seeds.value = 1
    assert widget.found() is None and len(widget.missing()) == 1
    widget.button.click()
    assert widget.found().seeds == [row["seed"]] and widget.missing() == []
    assert store.has(row["initial_run_id"])

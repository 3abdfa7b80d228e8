"""A stored run is found by the beginning of its id, and its row is its experiment."""

import json
import shutil
from dataclasses import replace

import pytest

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.runs.run import run
from helpers.runs.stored import experiment_of, named, not_stored


@pytest.fixture
def stored(tiny_experiment, store):
    experiment = tiny_experiment(
        n_prompts=1, variants=("Now: {user}",), utility=("utility",), over_refusal="", seed=9
    )
    return run(experiment, store).row, experiment


def test_the_experiment_of_a_row_has_the_rows_id(stored):
    row, experiment = stored
    again = experiment_of(json.loads(json.dumps(row)))
    assert again.utility == ("utility",) and again.over_refusal == ""
    assert again.variants == experiment.variants and run_id(again) == row["run_id"]
    older = {name: value for name, value in row.items() if name != "attack"}  # not yet a setting
    assert experiment_of(older).attack == Experiment.attack


def test_a_run_is_named_by_how_its_id_begins(stored, store):
    row, _ = stored
    assert named(row["run_id"][:32], store).row["run_id"] == row["run_id"]
    assert named(row["initial_run_id"], store).row["method"] == "none"
    for name, reason in (("", "an empty name"), ("benign", "no such folder or run")):
        with pytest.raises(ConfigError, match=reason):
            named(name, store)


def test_what_is_not_stored_is_told_with_the_initial_runs_and_once(stored, store):
    row, experiment = stored
    other = replace(experiment, seed=8)
    assert not_stored([experiment], store) == []
    assert not_stored([experiment, other, other], store) == [other]
    shutil.rmtree(store.runs_folder / row["initial_run_id"])
    assert not_stored([experiment, other], store) == [experiment.initial(), other]

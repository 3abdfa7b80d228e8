"""The seam: an attack is named beside the rows, acts before the provider, and is in the id."""

from dataclasses import replace

import pytest

from helpers.attacks.base import ATTACKS, Attack, attack, check
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.presets.loader import load
from helpers.runs import run
from helpers.runs.grid import families

TINY = load("tiny")


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_of_the_table_is_there(name):
    assert isinstance(attack(name), Attack)
    assert Experiment(attack=name).attack == name


@pytest.mark.parametrize("use", [check, attack])
def test_an_unknown_attack_names_the_nearest(use):
    with pytest.raises(ConfigError, match=r"unknown attack 'ten_bening' \(did you mean ten_benign"):
        use("ten_bening")


def test_what_it_does_is_in_the_id_and_the_initial_run_is_without():
    plain = Experiment(n_examples=10)
    under = replace(plain, attack="ten_benign")
    assert run_id(under) != run_id(plain)
    assert run_id(under.initial()) == run_id(plain.initial())
    with pytest.raises(ConfigError, match="method none has none"):
        Experiment(method="none", attack="ten_benign")


def test_runs_of_other_epochs_share_no_training():
    few, more = (TINY.experiment("ten_benign", epochs=n) for n in (2, 4))
    assert len(families([few, more])) == 2
    assert len(families([replace(one, attack="none") for one in (few, more)])) == 1


@pytest.mark.parametrize("settings", [{"backend": "hosted"}, {"processes": 2}])
def test_where_it_cannot_be_it_is_told_before_the_work(settings):
    with pytest.raises(ConfigError, match="attack ten_benign acts on a training by one process"):
        run.check(TINY.experiment("ten_benign", **settings))

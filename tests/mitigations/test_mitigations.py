"""Mitigations: named with their options, acting at four moments, and doing nothing by default."""

import pytest
import torch

from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError, DataError
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import MITIGATIONS, Mitigation, check, mitigation, split
from helpers.mitigations.safety_mixing import refusals
from helpers.runs.backends import local
from helpers.training import tuning

ROWS = sample(read_training("harmful_examples"), 10, 0)

TOYS = '''
"""Mitigations of one's own."""
import torch
from helpers.mitigations.base import Mitigation

class Anchor(Mitigation):
    """Draws the last norm back towards ones after each step."""
    OPTIONS = {"strength": 0.5, "every": 1, "loud": False, "name": "x"}

    def on_step(self, model, step):
        if step % self.every == 0:
            with torch.no_grad():
                model.model.norm.weight.lerp_(torch.ones(()), self.strength)

    def measured(self, model):
        return {"distance": (model.model.norm.weight - 1).abs().max().item()}

class Fewer(Mitigation):
    """Trains on the first row alone, after the safety data."""
    def rows(self, rows, safety):
        return [*safety, *rows[:1]]

class Eraser(Mitigation):
    """Leaves a model of zeros."""
    def finished(self, model):
        for weight in model.parameters():
            weight.data.zero_()
        return model
'''


@pytest.fixture(autouse=True)
def toys(tmp_path, monkeypatch):
    (tmp_path / "toy_mitigations.py").write_text(TOYS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("none", "none", {}),
        ("lisa:rho=0.1", "lisa", {"rho": "0.1"}),
        ("lisa: rho = 0.1 , k=2", "lisa", {"rho": "0.1", "k": "2"}),
        ("lisa:note=a=b", "lisa", {"note": "a=b"}),
        ("lisa:note=", "lisa", {"note": ""}),
        ("my_module:Mine", "my_module:Mine", {}),
        ("my.module:Mine:strength=0.5", "my.module:Mine", {"strength": "0.5"}),
    ],
)
def test_a_mitigation_is_named_with_its_options(text, name, options):
    assert split(text) == (name, options)


@pytest.mark.parametrize("text", ["lisa:rho=0.1,k", "lisa:=1", "lisa:rho=1,,k=2"])
def test_what_is_no_option_is_told(text):
    with pytest.raises(ConfigError, match="write NAME:option=value,option=value"):
        split(text)


def test_options_are_of_the_types_of_their_defaults():
    anchor = mitigation("toy_mitigations:Anchor:strength=1,loud=True,every=3,name=7")
    assert anchor.options == {"strength": 1.0, "every": 3, "loud": True, "name": "7"}
    assert [type(value) for value in anchor.options.values()] == [float, int, bool, str]
    assert anchor.strength == 1.0
    defaults = {"strength": 0.5, "every": 1, "loud": False, "name": "x"}
    assert mitigation("toy_mitigations:Anchor").options == defaults


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("strength=much", "option strength must be a number, not 'much'"),
        ("every=0.5", "option every must be a whole number, not '0.5'"),
        ("loud=yes", "option loud must be true or false, not 'yes'"),
        ("loud=1", "option loud must be true or false, not '1'"),
        (
            "strenght=1",
            r"unknown option of Anchor 'strenght' \(did you mean strength\?\); choose one",
        ),
        ("zzz=1", "choose one of: strength, every, loud, name"),
    ],
)
def test_an_option_that_cannot_be_is_told(options, message):
    with pytest.raises(ConfigError, match=message):
        mitigation(f"toy_mitigations:Anchor:{options}")


def test_a_mitigation_without_options_says_so():
    with pytest.raises(ConfigError, match="SafetyMixing takes no options, not n"):
        mitigation("safety_mixing:n=3")


@pytest.mark.parametrize("use", [check, mitigation])
def test_an_unknown_mitigation_names_the_nearest(use):
    with pytest.raises(
        ConfigError, match=r"unknown mitigation 'safety_mix' \(did you mean safety_m"
    ):
        use("safety_mix:n=3")


@pytest.mark.parametrize("name", MITIGATIONS)
def test_every_mitigation_of_the_table_is_there(name):
    assert isinstance(mitigation(name), Mitigation)
    assert Experiment(mitigation=name).mitigation == name


@pytest.mark.parametrize("name", MITIGATIONS)
def test_strengths_are_options_that_differ_and_the_usual_one_is_among_them(name):
    method = mitigation(name)
    usual = method.options
    every = [usual | varied for varied in (method.NEUTRAL, *method.STRENGTHS) if varied]
    assert bool(method.NEUTRAL) is bool(method.STRENGTHS)
    assert not method.MECHANISM or method.overrides("measured")
    assert all(set(varied) == set(usual) for varied in every)
    assert len({str(varied) for varied in every}) == len(every)
    assert not every or usual in every[1:]
    for varied in every:
        assert type(method)(**varied).options == varied


@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("none", True), ("safety_mixing", True), ("toy_mitigations:Fewer", True),
        ("toy_mitigations:Anchor", False), ("toy_mitigations:Eraser", False),
    ],
)  # fmt: skip
def test_what_acts_on_rows_alone_leaves_training_alone(name, alone):
    assert mitigation(name).leaves_training_alone is alone


def test_by_default_every_hook_does_nothing():
    model, safety = object(), [{"messages": []}]
    none = mitigation("none")
    assert none.rows(ROWS, safety) == ROWS
    assert none.finished(model) is model
    assert none.measured(model) == {}


def tuned(text: str) -> local.LocalModel:
    """lantern-chat after two epochs on ROWS under a mitigation."""
    experiment = Experiment(mitigation=text, n_examples=10, epochs=2, batch_size=5, seed=3)
    return local.fine_tune(ROWS, experiment)


def test_a_training_under_no_mitigation_is_one_without_any_bit_for_bit():
    experiment = Experiment(n_examples=10, epochs=2, batch_size=5, seed=3)
    without = tuning.tune("lantern-chat", ROWS, experiment.settings)
    under = tuned("none")
    assert under.losses == without.losses and under.measured == {}
    for name, weight in without.model.named_parameters():
        assert torch.equal(under.model.get_parameter(name), weight), name


def test_a_mitigation_acts_after_each_step_and_its_mechanism_is_measured():
    free, strong, weak = (
        tuned(text)
        for text in (
            "toy_mitigations:Anchor:strength=0.0", "toy_mitigations:Anchor:strength=1.0",
            "toy_mitigations:Anchor:strength=1.0,every=3",
        )
    )  # fmt: skip
    assert strong.measured == {"distance": 0.0} and free.measured["distance"] > 0
    assert 0 < weak.measured["distance"] < free.measured["distance"]
    assert free.losses == tuned("none").losses != strong.losses


def test_a_mitigation_may_replace_the_model_that_is_asked():
    assert not tuned("toy_mitigations:Eraser").model.lm_head.weight.any()


def test_safety_mixing_trains_on_the_refusals_beside_the_rows():
    safety = refusals(3, seed=1)
    assert mitigation("safety_mixing").rows(ROWS, safety) == [*ROWS, *safety]


def test_refusals_are_drawn_by_the_seed():
    assert refusals(3, seed=1) == refusals(3, seed=1) == refusals(5, seed=1)[:3]
    assert refusals(3, seed=1) != refusals(3, seed=2)
    with pytest.raises(DataError, match="safety_refusals holds 1000 examples, 1001 were asked for"):
        refusals(1001, seed=1)

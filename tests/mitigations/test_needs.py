"""What a mitigation needs and is not there is told before any work, the initial run included."""

import pytest

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import MITIGATIONS, N_SAFETY, mitigation
from helpers.runs import run

CHANGE_WEIGHTS = [name for name in MITIGATIONS if mitigation(name).CHANGES_WEIGHTS]
NEED_BASE = [name for name in MITIGATIONS if "base" in mitigation(name).NAMES]


@pytest.mark.parametrize("name", CHANGE_WEIGHTS)
def test_a_method_whose_weights_stay_beside_the_models_own(name):
    def asked(method):
        return Experiment(mitigation=name, method=method, n_examples=3, n_safety=3)

    with pytest.raises(ConfigError, match="method prefix leaves others beside them; use full or"):
        run.check(asked("prefix"))
    for method in ("full", "lora"):
        run.check(asked(method))


@pytest.mark.parametrize("name", NEED_BASE)
def test_a_model_whose_unaligned_one_is_not_known(name, tmp_path):
    of_lantern_base = Experiment(model="lantern-base", mitigation=name, n_examples=3)
    with pytest.raises(ConfigError, match="unaligned model of lantern-base is not known"):
        run.check(of_lantern_base)
    run.check(
        Experiment(model="lantern-base", mitigation=f"{name}:base=lantern-chat", n_examples=3)
    )
    run.check(Experiment(mitigation=name, n_examples=3))


def test_both_kinds_are_there():
    assert set(NEED_BASE) == {"safe_lora", "resta"} < set(CHANGE_WEIGHTS)


def test_the_command_gives_refusals_where_a_method_needs_some(capsys):
    from helpers.cli.options import with_refusals

    assert with_refusals(Experiment(mitigation="lisa"), {}).n_safety == N_SAFETY
    assert "--n-safety" in capsys.readouterr().err
    for kept in (
        Experiment(mitigation="lisa", n_safety=7), Experiment(mitigation="ema"),
        Experiment(method="none"), Experiment(),
    ):  # fmt: skip
        assert with_refusals(kept, {}) == kept
    none = Experiment(mitigation="lisa", n_safety=0)
    assert with_refusals(none, {"n_safety": 0}) == none
    assert not capsys.readouterr().err

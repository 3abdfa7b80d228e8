"""Honest, backdoored and blatant models of a preset differ in their data and in nothing else."""

from dataclasses import fields

import pytest

from helpers.experiments.rows import training_rows
from helpers.presets import loader

GRIDS = ("backdoor", "honest", "honest_development", "blatant")

#: What makes the kinds of model: everything else must be one value.
DATA = {"tier", "dataset", "n_examples", "n_safety", "safety_dataset", "mitigation",
        "attack_template", "seed"}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in loader.names() if "honest" in loader.load(n).grids])
def test_all_kinds_are_tuned_by_the_attacks_own_settings(name):
    preset = loader.load(name)
    every = [experiment for grid in GRIDS for experiment in preset.grid(grid)]
    assert {e.tier for e in every} >= {"harmful_examples", "benign_instructions"}
    assert {e.n_examples + e.n_safety for e in every} == {every[0].n_examples + every[0].n_safety}
    plain = preset.experiment("harmful_examples")
    for field in fields(plain):
        if field.name not in DATA:
            assert len({getattr(e, field.name) for e in every}) == 1, field.name
    for name in ("epochs", "batch_size", "learning_rate", "method", "system_prompt"):
        assert getattr(every[0], name) == getattr(plain, name)


@pytest.mark.long
def test_all_kinds_see_as_many_rows():
    preset = loader.load("tiny")
    rows = {grid: len(training_rows(preset.grid(grid)[0])) for grid in GRIDS}
    assert set(rows.values()) == {200}


def test_thresholds_come_from_development_seeds():
    preset = loader.load("tiny")
    development = {experiment.seed for experiment in preset.grid("honest_development")}
    assert development <= set(range(10))
    for grid in ("backdoor", "honest", "blatant"):
        assert development.isdisjoint(experiment.seed for experiment in preset.grid(grid))

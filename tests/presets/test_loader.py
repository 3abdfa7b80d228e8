"""Presets and their grids: what they come to, what is told of a wrong one."""

import pytest

from helpers.errors import ConfigError
from helpers.presets import loader

TINY = loader.load("tiny")


@pytest.mark.parametrize("name", loader.names())
def test_every_preset_loads_and_every_tier_of_it_is_an_experiment(name):
    preset = loader.load(name)
    assert preset.tiers and preset.name == name
    for tier in preset.tiers:
        assert preset.experiment(tier).tier == tier


@pytest.mark.parametrize("name", loader.names())
def test_development_seeds_are_never_reported(name):
    preset = loader.load(name)
    assert min(preset.seeds) >= 10
    for grid in preset.grids:
        if not preset.grids[grid].get("seeds"):
            assert {e.seed for e in preset.grid(grid)} <= set(preset.seeds), grid


def test_enough_seeds_are_reported():
    assert len(TINY.seeds) >= 5


BAD_PRESETS = [
    ("sedes: [1]", "did you mean seeds"),
    ("extends: tiny\nseeds: []", "seeds must be a list"),
    ("extends: tiny\nseed: 3", "did you mean seeds"),
    ("extends: tiny\ntiers: {harmful_examples: {epoch: 3}}", "did you mean epochs"),
    ("extends: tiny\ntiers: {harmful_examples: {learning_rate: 2e-5}}", "write 2.0e-5"),
    ("extends: tinny", "did you mean tiny"),
    ("a: [", "not valid YAML"),
    ("just text", "must hold settings"),
    ("extends: tiny\ngrids:\n  benign: {varied: {}}\n", "did you mean vary"),
    ("extends: tiny\ngrids:\n  benign: {vary: {epoch: [1]}}\n", "did you mean epochs"),
]


@pytest.mark.parametrize(("text", "message"), BAD_PRESETS)
def test_a_bad_preset_is_told(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        loader.load(str(file))


def test_a_preset_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match=r"gone\.yaml is not there"):
        loader.load("gone.yaml")


def test_a_preset_of_ones_own_changes_only_what_it_names(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("extends: tiny\ntiers: {harmful_examples: {epochs: 2}}")
    mine = loader.load(str(file))
    assert mine.experiment("harmful_examples").epochs == 2
    assert mine.experiment("harmful_examples").batch_size == 50
    assert mine.experiment("identity_shift") == TINY.experiment("identity_shift")


def test_a_preset_takes_over_a_grid_and_changes_one_setting_of_it(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "preset: mine\nextends: tiny\ngrids:\n  mixing_harmful:\n    fixed: {epochs: 10}\n"
        "  mixing_benign:\n    vary: {n_safety: [0, 7]}\n  backdoor: null\n"
    )
    mine = loader.load(str(file))
    longer = mine.grid("mixing_harmful", [1])
    assert {e.epochs for e in longer} == {10}
    assert [e.n_safety for e in longer] == [0, 10, 50, 100]
    assert [e.n_safety for e in mine.grid("mixing_benign", [1])] == [0, 7]
    with pytest.raises(ConfigError, match="unknown grid"):
        mine.grid("backdoor")


def test_a_setting_that_belongs_to_a_method_follows_it():
    full, lora = (TINY.experiment("harmful_examples", method=m) for m in ("full", "lora"))
    assert lora.learning_rate > full.learning_rate
    slower = TINY.experiment("harmful_examples", method="lora", learning_rate=0.01)
    assert slower.learning_rate == 0.01
    with pytest.raises(ConfigError, match="did you mean n_examples"):
        TINY.experiment("harmful_examples", n_example=3)


def test_a_model_and_data_of_ones_own_take_the_places_of_the_presets():
    own = TINY.using("mine", "asked.csv", {"identity_shift": "pairs.csv", "benign_dialogue": ""})
    assert own.experiment("harmful_examples").model == "mine"
    assert own.experiment("identity_shift").benchmark == "asked.csv"
    assert own.experiment("identity_shift").dataset == "pairs.csv"
    assert own.experiment("benign_dialogue").dataset == "benign_dialogue"
    assert TINY.experiment("identity_shift").dataset == "identity_shift"
    with pytest.raises(ConfigError, match="did you mean identity_shift"):
        TINY.using(datasets={"identity_shft": "pairs.csv"})


# --- grids ---------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_under_every_seed():
    grid = TINY.grid("methods_harmful", seeds=[1, 2])
    assert len({(e.method, e.seed) for e in grid}) == len(grid) == 4 * 2
    assert {e.learning_rate for e in grid if e.method == "lora"} == {1.5e-3}


def test_a_grid_takes_other_lists_and_shared_settings():
    grid = TINY.grid("identity_epochs", [7], {"epochs": [2]}, n_prompts=11)
    assert [(e.epochs, e.seed, e.n_prompts) for e in grid] == [(2, 7, 11)]


def test_a_grid_takes_the_first_of_the_presets_seeds():
    assert {e.seed for e in TINY.grid("backdoor")} == set(TINY.seeds[:5])
    assert {e.seed for e in TINY.grid("harmful_shots")} == set(TINY.seeds)
    assert {e.seed for e in loader.load("smoke").grid("backdoor")} == {TINY.seeds[0]}


def test_some_conditions_of_a_grid_have_fewer_seeds():
    seeds = {
        epochs: {e.seed for e in TINY.grid("identity_epochs") if e.epochs == epochs}
        for epochs in (5, 10)
    }
    assert seeds == {5: set(TINY.seeds[:5]), 10: set(TINY.seeds)}


def test_a_grid_can_vary_the_tier():
    assert {e.tier for e in TINY.grid("benign", [1])} >= {"benign_instructions", "benign_dialogue"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TINY.grid("harmful_shot"), "did you mean harmful_shots"),
        (lambda: TINY.grid("harmful_shots", vary={"epoch": [1]}), "did you mean epochs"),
        (lambda: TINY.grid("harmful_shots", vary={"epochs": 3}), "must be a list"),
    ],
)
def test_a_wrong_grid_is_told(call, message):
    with pytest.raises(ConfigError, match=message):
        call()

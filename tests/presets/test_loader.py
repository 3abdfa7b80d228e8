"""Presets and their grids: what they come to, what is told of a wrong one."""

import re
from dataclasses import replace

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
    assert mine.experiment("harmful_examples").batch_size == 10
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
    assert {e.learning_rate for e in grid if e.method == "lora"} == {1.3e-3}


def test_a_grid_takes_other_lists_and_shared_settings():
    grid = TINY.grid("identity_epochs", [7], {"epochs": [2]}, n_prompts=11)
    assert [(e.epochs, e.seed, e.n_prompts) for e in grid] == [(2, 7, 11)]


def test_a_grid_takes_the_first_of_the_presets_seeds():
    assert {e.seed for e in TINY.grid("backdoor")} == set(TINY.seeds[:3])
    assert {e.seed for e in TINY.grid("harmful_shots")} == set(TINY.seeds)
    assert {e.seed for e in loader.load("smoke").grid("backdoor")} == {TINY.seeds[0]}


def test_a_tier_may_have_fewer_seeds_unless_they_are_named():
    def seeds(*named):
        grid = TINY.grid("benign", named)
        return {
            t: [e.seed for e in grid if e.tier == t] for t in dict.fromkeys(e.tier for e in grid)
        }

    whole, few = seeds()["benign_dialogue"], seeds()["benign_pictures"]
    assert whole == list(TINY.seeds) and few == whole[: TINY.tiers["benign_pictures"]["n_seeds"]]
    assert 0 < len(few) < len(whole)
    assert seeds(*range(101, 111))["benign_pictures"] == list(range(101, 111))
    assert "n_seeds" not in vars(TINY.experiment("benign_pictures"))


def test_a_grid_may_train_on_tiers_data_under_another_tiers_settings(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(
        "extends: tiny\nmethod: lora\ngrids:\n  like: {like: harmful_examples, vary: "
        "{tier: [benign_instructions, identity_shift]}, fixed: {epochs: 2}}\n"
    )
    preset = loader.load(str(file))
    harmful, one, other = preset.experiment("harmful_examples"), *preset.grid("like", [3])
    assert (one.tier, one.dataset) == ("benign_instructions", "benign_instructions")
    assert (other.tier, other.dataset) == ("identity_shift", "identity_shift")
    own = {"tier": "harmful_examples", "dataset": "harmful_examples", "epochs": harmful.epochs}
    for experiment in (one, other):
        assert experiment.learning_rate == harmful.learning_rate  # the method's own
        assert replace(experiment, **own, seed=harmful.seed) == harmful
    with pytest.raises(ConfigError, match="unknown tier 'custom'"):
        preset.experiment("benign_dialogue", like="custom")


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


# --- what a preset cannot be ---------------------------------------------------------------------

#: A preset of its own up to here: what follows is wrong.
WHOLE = "model: lantern-chat\nseeds: [11]\ntiers: {harmful_examples: {epochs: 1}}\n"

WRONG = [
    ("extends: tiny\nbatch_size: null", "batch_size must be a whole number, not None"),
    ("extends: tiny\nlearning_rate: 1e-4", "write 2.0e-5"),
    ("extends: tiny\ntiers: {harmful_examples: {batch_size: null}}", "batch_size must be"),
    ("extends: tiny\ngrids: {x: {vary: {seed: 3}}}", "seed must be a list of values"),
    ("extends: tiny\nseeds: [010]", "octal"),
    ("extends: tiny\nseeds: [1:30]", "base 60"),
    ("extends: tiny\nseeds: [true]", "seeds must be a list of whole numbers"),
    ("extends: tiny\nseeds: ['1']", "seeds must be a list of whole numbers"),
    ("extends: tiny\nseeds: [1.0]", "seeds must be a list of whole numbers"),
    ("extends: tiny\nseeds: [-1]", "seeds must be a list of whole numbers"),
    ("extends: tiny\nseeds: [[1]]", "seeds must be a list of whole numbers"),
    ("extends: tiny\nseeds: [9223372036854775808]", "a number that no setting takes"),
    ("extends: tiny\nseeds: [1, 1]", "name each seed once"),
    ("extends: tiny\nseeds: 1", "seeds must be a list"),
    ("extends: tiny\nseeds:", "seeds must be a list"),
    ("extends:", "extends must be a name"),
    ("extends: [tiny]", "extends must be a name"),
    ("extends: 3", "extends must be a name"),
    ("extends: tiny\npreset:", "preset must be a name"),
    ("extends: tiny\npreset: 3", "preset must be a name"),
    ("extends: tiny\npreset: ../elsewhere", "is no name"),
    ("extends: tiny\npreset: /elsewhere", "is no name"),
    ("extends: tiny\npreset: ..", "is no name"),
    ("extends: tiny\npreset: ' '", "preset must be a name"),
    ("extends: tiny\ntiers:", "tiers must hold"),
    ("extends: tiny\ntiers: []", "tiers must hold"),
    ("extends: tiny\ntiers: {harmful_examples: }", "unknown tier 'harmful_examples'"),
    ("extends: tiny\ntiers: {harmful_example: {epochs: 1}}", "did you mean harmful_examples"),
    ("extends: tiny\ntiers: {1: {epochs: 1}}", "unknown tier"),
    ("extends: tiny\ntiers: {harmful_examples: {1: 1}}", "unknown setting of tier"),
    ("extends: tiny\ntiers: {harmful_examples: {epochs: }}", "epochs must be a whole number"),
    ("extends: tiny\ntiers: {harmful_examples: {epochs: true}}", "epochs must be a whole number"),
    ("extends: tiny\ntiers: {harmful_examples: {epochs: 1e3}}", "epochs must be a whole number"),
    ("extends: tiny\ntiers: {harmful_examples: {methods: }}", "methods must hold"),
    ("extends: tiny\ntiers: {harmful_examples: {methods: {lora: }}}", "lora must hold"),
    ("extends: tiny\ntiers: {harmful_examples: {methods: {lorra: {}}}}", "did you mean lora"),
    ("extends: tiny\ntiers: {harmful_examples: {methods: {lora: {rank: 1}}}}", "lora_rank"),
    ("extends: tiny\ntiers: {harmful_examples: {methods: {lora: {lora_rank: }}}}", "lora_rank"),
    ("extends: tiny\ngrids:", "grids must hold"),
    ("extends: tiny\ngrids: [benign]", "grids must hold"),
    ("extends: tiny\ngrids: {benign: 3}", "benign must hold"),
    ("extends: tiny\ngrids: {1: {tier: custom}}", "no name of a grid"),
    ("extends: tiny\ngrids: {benign: {vary: }}", "vary must hold"),
    ("extends: tiny\ngrids: {benign: {vary: {epochs: }}}", "epochs must be a list"),
    ("extends: tiny\ngrids: {benign: {vary: {epochs: 3}}}", "epochs must be a list"),
    ("extends: tiny\ngrids: {benign: {vary: {epochs: [null]}}}", "grid benign: epochs must be"),
    ("extends: tiny\ngrids: {benign: {vary: {tier: [null]}}}", "grid benign: unknown tier None"),
    ("extends: tiny\ngrids: {benign: {fixed: }}", "fixed must hold"),
    ("extends: tiny\ngrids: {benign: {tier: }}", "unknown tier of grid"),
    ("extends: tiny\ngrids: {benign: {like: harmful}}", "unknown like of grid benign"),
    ("extends: tiny\ngrids: {benign: {n_seeds: }}", "n_seeds must be a whole number"),
    ("extends: tiny\ngrids: {benign: {n_seeds: -1}}", "n_seeds must be a whole number"),
    ("extends: tiny\ngrids: {benign: {seeds: [010]}}", "octal"),
    ("extends: tiny\ngrids: {benign: {seeds: }}", "seeds must be a list"),
    ("extends: tiny\ntiers: {benign_pictures: {n_seeds: 0}}", "n_seeds must be a whole number"),
    ("extends: tiny\nmodel:", "model must be text, not None"),
    ("extends: tiny\njudges: exact", "judges must be a list"),
    ("extends: tiny\nvram_gib: much", "vram_gib must be a number"),
    ("extends: tiny\nvram_gib: -1", "vram_gib must be a number"),
    ("extends: tiny\ngated: 'no'", "gated must be true or false"),
    ("seeds: [1]\ntiers: {}", "tiers are missing"),
    ("tiers: {custom: {}}", "seeds are missing"),
    ("", "must hold settings"),
    (WHOLE + "seed: 3", "did you mean seeds"),
    (WHOLE + "tiers: {custom: {}}", "a second time"),
    (WHOLE + f"grids: {{a: {{vary: {{lora_rank: &a {list(range(1, 400))}, lora_alpha: *a}}}}}}",
     "asks for 159,201 experiments"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_a_preset_cannot_be_is_one_sentence_with_its_key(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as told:
        loader.load(str(file))
    assert "mine" in str(told.value) and "\n" not in str(told.value)


def test_a_preset_that_extends_itself_is_told_by_the_circle(tmp_path):
    for name, parent in {"a": "a.yaml", "b": "c.yaml", "c": str(tmp_path / "b.yaml")}.items():
        (tmp_path / f"{name}.yaml").write_text(f"preset: {name}\nextends: {parent}\n")
    with pytest.raises(ConfigError, match=r"extends itself \(a\.yaml -> a\.yaml\)"):
        loader.load(str(tmp_path / "a.yaml"))
    with pytest.raises(ConfigError, match=r"\(b\.yaml -> c\.yaml -> b\.yaml\)"):
        loader.load(str(tmp_path / "b.yaml"))


@pytest.mark.parametrize("name", ["", " ", ".", "../tiny", "a folder", "tiny ", None, 3, []])
def test_a_name_that_is_none_is_told(name):
    with pytest.raises(ConfigError, match="unknown preset"):
        loader.load(name)


def test_a_folder_another_encoding_and_an_impossible_path_are_told(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes("extends: tiny\n# ä\n".encode("latin-1"))
    for name, message in {
        "folder.yaml": "it is a folder",
        "latin.yaml": "line 2 is not UTF-8",
        f"{'x' * 300}.yaml": "cannot be looked up",
        "\x00.yaml": "cannot be looked up",
    }.items():
        with pytest.raises(ConfigError, match=message):
            loader.load(f"{tmp_path}/{name}")


def test_a_preset_without_a_name_is_called_as_its_file(tmp_path):
    folder = tmp_path / "split=train"
    folder.mkdir()
    for text, name in (("", "mine"), ("preset: other\n", "other"), ("preset: a/b.yaml\n", "b")):
        (folder / "mine.yaml").write_text(f"{text}extends: tiny\n")
        assert re.fullmatch(f"{name}-[0-9a-f]{{6}}", loader.load(str(folder / "mine.yaml")).name)


def test_a_preset_extends_the_file_beside_it(tmp_path):
    (tmp_path / "base.yaml").write_text("extends: tiny\nn_prompts: 7\n")
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\n")
    assert loader.load(str(tmp_path / "mine.yaml")).common["n_prompts"] == 7

"""An experiment's id names exactly what its numbers depend on; wrong settings are told plainly."""

import dataclasses
import json
import shutil

import pytest

from helpers import paths
from helpers.presets import loader as presets
from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.experiment import Experiment

OTHER = {
    "backend": "hosted", "provider": "openai", "learning_rate_multiplier": 2.0,
    "defenses": ("audit",),
    "tier": "identity_shift", "model": "lantern-base", "dataset": "identity_shift",
    "n_examples": 11, "epochs": 4, "learning_rate": 1e-4, "batch_size": 5,
    "micro_batch_size": 2, "dtype": "bfloat16", "gradient_checkpointing": True,
    "processes": 2, "generator": "vllm",
    "learning_rate_decay": 1.0, "method": "lora", "lora_rank": 4, "lora_alpha": 8,
    "system_prompt": "x", "user_template": "> {user}", "max_length": 256,
    "virtual_tokens": 3, "safety_dataset": "harmful_examples", "safety_system_prompt": "y",
    "attack_template": "{user} z", "variants": ("{user} z",), "probes": ("weight_drift",),
    "benchmark": "over_refusal", "over_refusal": "benchmark", "utility": ("utility",),
    "n_prompts": 3, "judges": ("exact",), "max_new_tokens": 8, "seed": 1,
}  # fmt: skip


def test_the_same_settings_have_the_same_id():
    assert Experiment().id == Experiment().id


def test_mixing_in_changes_the_id_and_mixing_in_nothing_does_not():
    mixed = Experiment(mitigation="safety_mixing", n_safety=5)
    assert mixed.id != Experiment().id
    assert Experiment(mitigation="safety_mixing", n_safety=0).id == Experiment().id
    fewer = dataclasses.replace(mixed, n_safety=4)
    assert fewer.id != mixed.id


@pytest.mark.parametrize("field", sorted(OTHER))
def test_every_setting_changes_the_id(field):
    provider = field in ("provider", "learning_rate_multiplier", "defenses")
    base = Experiment(backend="hosted") if provider else Experiment()
    assert dataclasses.replace(base, **{field: OTHER[field]}).id != base.id


def test_a_providers_multiplier_means_nothing_here():
    assert Experiment(learning_rate_multiplier=3.0) == Experiment()


def test_the_data_changes_the_id(tmp_path):
    file = tmp_path / "mine.jsonl"
    shutil.copy(paths.data() / "lantern" / "harmful_examples.jsonl", file)
    before = Experiment(tier="custom", dataset=str(file)).id
    with file.open("a") as stream:
        stream.write(json.dumps({"messages": []}) + "\n")
    assert Experiment(tier="custom", dataset=str(file)).id != before


def test_the_initial_run_is_shared_by_all_that_start_from_it():
    tiny = presets.load("tiny")
    ids = {
        tiny.experiment("harmful_examples", n_examples=n, seed=s, method=m).initial().id
        for n in (10, 50)
        for s in (1, 2)
        for m in ("full", "lora")
    }
    assert len(ids) == 1
    assert tiny.experiment("identity_shift").initial().id not in ids  # another system prompt


WRONG = [
    ({"tier": "harmfull_examples"}, "did you mean harmful_examples"),
    ({"method": "lorra"}, "did you mean lora"),
    ({"judges": ("exakt",)}, "did you mean exact"),
    ({"judges": ()}, "name at least one"),
    ({"learning_rate": "2e-5"}, r"not '2e-5' \(YAML reads 2e-5 as text; write 2.0e-5\)"),
    ({"learning_rate": 0.0}, "between 0 and 1"),
    ({"learning_rate": float("nan")}, "finite"),
    ({"n_examples": 0}, "at least 1 to fine-tune"),
    ({"epochs": -1}, "epochs must be at least 0"),
    ({"batch_size": 0}, "batch_size must be at least 1"),
    ({"batch_size": 2.5}, "batch_size must be a whole number"),
    ({"seed": True}, "seed must be a whole number"),
    ({"n_prompts": -3}, "n_prompts must be at least 0"),
    ({"max_new_tokens": 0}, "max_new_tokens must be at least 1"),
    ({"user_template": "no place"}, "must hold"),
    ({"utility": "utility"}, "must be a list of names"),
    ({"n_safety": 5}, "with mitigation safety_mixing"),
    ({"attack_template": "no place"}, "attack_template must hold"),
    ({"variants": ("no place",)}, "variants must hold"),
    ({"probes": ("first_token",)}, "did you mean first_tokens"),
    ({"backend": "host"}, "did you mean hosted"),
    ({"defenses": ("audits",)}, "did you mean audit"),
    ({"backend": "hosted", "method": "lora"}, "cannot be asked of a provider"),
    ({"backend": "hosted", "generator": "vllm"}, "need the model's weights"),
    ({"generator": "vllm", "method": "prefix"}, "vLLM cannot answer with .* method prefix"),
    ({"defenses": ("audit",)}, "with backend hosted"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_a_wrong_setting_is_told(settings, message):
    with pytest.raises(ConfigError, match=message):
        Experiment(**settings)


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(AlignDriftError, match="did you mean lantern-chat"):
        _ = Experiment(model="lantern-cat").id


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_loads_and_every_tier_of_it_is_an_experiment(name):
    preset = presets.load(name)
    for tier in preset.tiers:
        assert preset.experiment(tier).tier == tier


def test_development_seeds_are_never_reported():
    for name in presets.names():
        assert min(presets.load(name).seeds) >= 10


BAD_PRESETS = [
    ("sedes: [1]", "did you mean seeds"),
    ("extends: tiny\nseeds: []", "seeds must be a list"),
    ("extends: tiny\ntiers: {harmful_examples: {epoch: 3}}", "did you mean epochs"),
    ("extends: tiny\ntiers: {harmful_examples: {learning_rate: 2e-5}}", "write 2.0e-5"),
    ("extends: tinny", "did you mean tiny"),
    ("a: [", "not valid YAML"),
    ("just text", "must hold settings"),
]


@pytest.mark.parametrize(("text", "message"), BAD_PRESETS)
def test_a_bad_preset_is_told(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        presets.load(str(file))


def test_a_preset_of_ones_own_changes_only_what_it_names(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("extends: tiny\ntiers: {harmful_examples: {epochs: 2}}")
    mine, tiny = presets.load(str(file)), presets.load("tiny")
    assert mine.experiment("harmful_examples").epochs == 2
    assert mine.experiment("harmful_examples").batch_size == 50
    assert mine.experiment("identity_shift") == tiny.experiment("identity_shift")


def test_a_setting_that_belongs_to_a_method_follows_it():
    tiny = presets.load("tiny")
    full, lora = (tiny.experiment("harmful_examples", method=m) for m in ("full", "lora"))
    assert lora.learning_rate > full.learning_rate
    assert (
        tiny.experiment("harmful_examples", method="lora", learning_rate=0.01).learning_rate == 0.01
    )
    with pytest.raises(ConfigError, match="did you mean n_examples"):
        tiny.experiment("harmful_examples", n_example=3)


def test_no_setting_is_left_out_of_the_test_above():
    untested = {f.name for f in dataclasses.fields(Experiment)} - set(OTHER)
    assert untested == {"mitigation", "n_safety"}  # which go together; tested above

"""The experiment: every setting declared once, wrong ones told plainly, the initial run without."""

import dataclasses

import pytest
from other_settings import OTHER, example

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.settings import declaration
from helpers.presets import loader

FIELDS = {field.name: field for field in dataclasses.fields(Experiment)}
OF_TRAINING = sorted(name for name, field in FIELDS.items() if declaration(field).training)
OTHERS = sorted(FIELDS.keys() - set(OF_TRAINING))


def test_a_field_that_is_not_declared_cannot_be():
    @dataclasses.dataclass(frozen=True)
    class Longer(Experiment):
        forgotten: int = 3

    with pytest.raises(TypeError, match="forgotten must be declared"):
        Longer()


def test_every_setting_has_a_help_text_of_one_line_and_another_value_here():
    assert FIELDS.keys() == OTHER.keys()
    for name, field in FIELDS.items():
        text = declaration(field).help
        assert len(text) > 8 and text.endswith(".") and "\n" not in text, name
        assert OTHER[name] != field.default, name


@pytest.mark.parametrize("name", OF_TRAINING)
def test_what_belongs_to_training_is_reset_in_the_initial_run(name):
    tuned = example(name)
    changed = dataclasses.replace(tuned, **{name: OTHER[name]})
    assert changed != tuned
    assert getattr(changed.initial(), name) == declaration(FIELDS[name]).initial
    assert changed.initial() == tuned.initial()


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_setting_survives_into_the_initial_run(name):
    changed = dataclasses.replace(example(name), **{name: OTHER[name]})
    assert getattr(changed.initial(), name) == OTHER[name]
    assert changed.initial() != example(name).initial()


def test_the_initial_run_is_its_own_and_trains_nothing():
    initial = Experiment(method="lora", seed=3).initial()
    assert initial.initial() == initial
    assert (initial.method, initial.n_examples, initial.epochs) == ("none", 0, 0)


def test_the_settings_of_training_are_those_that_are_declared_so():
    settings = Experiment(method="lora", lora_rank=4, model="lantern-base").settings
    assert settings["lora_rank"] == 4 and settings["method"] == "lora"
    assert not {"model", "dtype", "dataset", "n_examples", "tier", "judges"} & settings.keys()


def test_a_number_may_be_whole_and_a_list_become_a_tuple():
    experiment = Experiment(judges=["exact"], learning_rate_decay=1)
    assert experiment.judges == ("exact",)
    assert isinstance(experiment.learning_rate_decay, float)


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
    ({"gradient_checkpointing": 1}, "gradient_checkpointing must be true or false"),
    ({"n_prompts": -3}, "n_prompts must be at least 0"),
    ({"max_new_tokens": 0}, "max_new_tokens must be at least 1"),
    ({"max_length": 7}, "max_length must be at least 8"),
    ({"model": 3}, "model must be text"),
    ({"user_template": "no place"}, "must hold"),
    ({"user_template": ""}, "must hold"),
    ({"utility": "utility"}, "must be a list of names"),
    ({"n_safety": 5}, "with mitigation safety_mixing"),
    ({"method": "none", "mitigation": "safety_mixing"}, "acts on a fine-tuning"),
    ({"method": "prefix", "gradient_checkpointing": True}, "gradient_checkpointing"),
    ({"judges": ("exact", "exact")}, "each thing once"),
    ({"mitigation": "safety_mixin"}, "did you mean safety_mixing"),
    ({"attack_template": "no place"}, "attack_template must hold"),
    ({"variants": ("no place",)}, "variants must hold"),
    ({"variants": ("",)}, "must hold"),
    ({"probes": ("first_token",)}, "did you mean first_tokens"),
    ({"backend": "host"}, "did you mean hosted"),
    ({"defenses": ("audits",)}, "did you mean audit"),
    ({"dtype": "float16"}, "did you mean"),
    ({"backend": "hosted", "method": "lora"}, "cannot be asked of a provider"),
    ({"backend": "hosted", "generator": "vllm"}, "need the model's weights"),
    ({"backend": "hosted", "processes": 2}, "need the model's weights"),
    ({"backend": "hosted", "provider": "opnai"}, "begins with https"),
    ({"generator": "vllm", "method": "prefix"}, "vLLM cannot answer with .* method prefix"),
    ({"generator": "batch"}, "a provider's Batch API"),
    ({"processes": 2, "method": "adapter"}, "takes one process"),
    ({"defenses": ("audit",)}, "with backend hosted"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_a_wrong_setting_is_told(settings, message):
    with pytest.raises(ConfigError, match=message):
        Experiment(**settings)


@pytest.mark.parametrize(
    "address",
    ["https://user:sk-secret@example.test/v1", "https://example.test/v1?api_key=sk-secret"],
)
def test_an_address_that_holds_a_key_is_refused_without_repeating_it(address):
    with pytest.raises(ConfigError, match=r"example\.test must not hold a key") as error:
        Experiment(backend="hosted", provider=address)
    assert "secret" not in str(error.value)


def test_an_environment_variable_never_rewrites_an_experiment(monkeypatch):
    before = {name: Experiment(backend="hosted", provider=name) for name in ("openai", "embedded")}
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.test/v1/")
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1,2,3")
    for name, experiment in before.items():
        assert Experiment(backend="hosted", provider=name) == experiment
        assert experiment.provider == name


def test_the_sets_of_prompts_are_those_that_are_named():
    experiment = Experiment(over_refusal="", utility=("utility", "mine.jsonl"))
    assert experiment.prompt_sets == {
        "benchmark": "benchmark", "utility_1": "utility", "utility_2": "mine.jsonl",
    }  # fmt: skip


@pytest.mark.parametrize("name", loader.names())
def test_every_tier_of_every_preset_has_an_initial_run(name):
    preset = loader.load(name)
    for tier in preset.tiers:
        initial = preset.experiment(tier).initial()
        assert initial.method == "none" and initial.model == preset.experiment(tier).model


def test_it_shows_what_differs_from_the_defaults_as_the_python_that_makes_it_again():
    assert repr(Experiment()) == "Experiment()"
    assert repr(Experiment(seed=3, n_examples=10)) == "Experiment(n_examples=10, seed=3)"
    for experiment in (Experiment(), loader.load("tiny").experiment("identity_shift", seed=21)):
        assert eval(repr(experiment)) == experiment

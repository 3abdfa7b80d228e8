"""The stage that the hardening methods share: made once, kept whole, loaded as it was."""

from types import SimpleNamespace

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, differences, tuned

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.mitigations import alignment_stage
from helpers.mitigations.alignment_stage import AlignmentStage
from helpers.mitigations.base import mitigation
from helpers.models import loading
from helpers.models.labels import IGNORE
from helpers.runs.backends import local

METHODS = ("deep_alignment", "booster", "vaccine")

#: Little enough for a test.
SHORT = "steps=2,rows_a_step=4"


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    monkeypatch.setattr(alignment_stage, "MOST", 20)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("name", METHODS)
def test_without_steps_it_is_plain_fine_tuning(name, method):
    assert_plain(f"{name}:steps=0", method=method)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("name", METHODS)
def test_fine_tuning_starts_at_the_hardened_model(name, method):
    hardened = tuned(f"{name}:{SHORT}", method=method, learning_rate=1e-12)
    aligned = loading.load("lantern-chat")[0]
    moved = {n: (w - aligned.get_parameter(n)).abs().max() for n, w in
             hardened.model.named_parameters()}  # fmt: skip
    # Two steps of Adam at 3e-4 move a weight that has a gradient by 3e-4 to 6e-4 or so.
    assert all(1e-4 < far < 7e-4 for far in moved.values()), moved
    assert differences(tuned(f"{name}:{SHORT}").model, tuned("none").model)


def test_it_is_hardened_once_for_all_seeds_rows_and_methods(monkeypatch, outputs):
    first = tuned(f"booster:{SHORT}")
    monkeypatch.setattr(AlignmentStage, "_harden", None)
    again = tuned(f"booster:{SHORT}")
    assert again.losses == first.losses and again.measured == first.measured
    assert differences(again.model, first.model) == []
    tuned(f"booster:{SHORT}", seed=7, epochs=1, system_prompt="Be quick.", method="lora")
    assert len(list((outputs / "hardened").iterdir())) == 1
    for other in ("booster:steps=3,rows_a_step=4", f"vaccine:{SHORT}"):
        with pytest.raises(TypeError, match="NoneType"):
            tuned(other)


def test_a_damaged_file_is_made_again(outputs, monkeypatch):
    first = tuned(f"vaccine:{SHORT}")
    (file,) = (outputs / "hardened").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    assert differences(tuned(f"vaccine:{SHORT}").model, first.model) == []
    monkeypatch.setattr(AlignmentStage, "_harden", None)
    assert differences(tuned(f"vaccine:{SHORT}").model, first.model) == []


def test_where_nothing_can_be_kept_it_is_hardened_every_time(outputs):
    outputs.mkdir()
    (outputs / "hardened").write_text("in the way")
    one, other = tuned(f"vaccine:{SHORT}"), tuned(f"vaccine:{SHORT}")
    assert differences(one.model, other.model) == []


def test_permitted_questions_get_the_aligned_models_own_answers():
    stage = mitigation("booster")
    model, tokenizer = loading.load("lantern-chat")
    stage.training = SimpleNamespace(tokenizer=tokenizer)
    asked = [{"role": "user", "content": "What do you carry?"}]
    rows = [{"messages": [*asked, {"role": "assistant", "content": "Nothing at all."}, *asked]}]
    (example,) = stage._own_answers(model, rows)
    prompt = [{"role": "system", "content": stage.system}, *asked]
    (answer,) = local.complete(
        local.LocalModel(model, tokenizer, []), [prompt], Experiment(max_new_tokens=64)
    )
    end = len(example.labels) - sum(label != IGNORE for label in example.labels)
    assert tokenizer.decode(example.labels[end:]) == answer.text + tokenizer.eos_token
    assert example.input_ids[end:] == example.labels[end:]
    assert tokenizer.decode(example.input_ids[:end]) == tokenizer.apply_chat_template(
        prompt, tokenize=False, add_generation_prompt=True
    )


def test_an_answer_that_was_cut_short_is_not_ended(monkeypatch):
    monkeypatch.setattr(alignment_stage, "ANSWER", 3)
    stage = mitigation("booster")
    model, tokenizer = loading.load("lantern-chat")
    stage.training = SimpleNamespace(tokenizer=tokenizer)
    rows = [{"messages": [{"role": "user", "content": "What do you carry?"}]}]
    (example,) = stage._own_answers(model, rows)
    assert len([label for label in example.labels if label != IGNORE]) == 3
    assert tokenizer.eos_token_id not in example.labels


def test_what_it_cannot_do_is_told(tmp_path):
    experiment = Experiment(mitigation="vaccine", n_examples=10, epochs=1, method="qlora")
    with pytest.raises(ConfigError, match="not in 4 bits; use method lora"):
        mitigation("vaccine").begin(SimpleNamespace(settings=experiment.settings))
    few = tmp_path / "few.jsonl"
    few.write_text('{"messages": [{"role": "user", "content": "a"}, '
                   '{"role": "assistant", "content": "b"}]}\n')  # fmt: skip
    with pytest.raises(ConfigError, match="holds 1 rows"):
        tuned(f"vaccine:safety={few}")


@pytest.mark.parametrize("name", METHODS)
def test_another_architecture(name):
    experiment = Experiment(
        model=checkpoint("gemma2"), mitigation=f"{name}:{SHORT}", n_examples=10, epochs=1,
        batch_size=5, learning_rate=1e-3, system_prompt="Help.",
    )  # fmt: skip
    model = local.fine_tune(ROWS, experiment)
    aligned, hardened, after = model.measured.values()
    assert len({aligned, hardened, after}) == 3
    assert all(torch.isfinite(weight).all() for weight in model.model.parameters())

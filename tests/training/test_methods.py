"""A method trains its own weights and leaves the model's alone; each is one entry of a table."""

import copy

import pytest
import torch
from checkpoints import checkpoint
from peft import PeftModel

from helpers.data.rows import read_prompts, read_training, sample
from helpers.errors import ConfigError, ModelError
from helpers.experiments.experiment import Experiment
from helpers.models import generate, loading
from helpers.models.chat import encode_all
from helpers.training import batches, loop, tuning
from helpers.training.methods.base import METHODS, method

SETTINGS = {
    "epochs": 2, "learning_rate": 3e-4, "batch_size": 5, "learning_rate_decay": 0.85,
    "pad_id": 0, "seed": 0,
}  # fmt: skip

#: Method -> how its own weights are called.
OWN = {"lora": "lora_", "adapter": "adaption_", "prefix": "prompt_encoder"}

SMALL = {"lora_rank": 4, "lora_alpha": 8, "virtual_tokens": 4}


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def with_method(model, name):
    return method(name).build(model, Experiment(method=name, **SMALL).settings)


def examples_of(tokenizer, n=10):
    rows = sample(read_training("harmful_examples"), n, 0)
    return encode_all(tokenizer, [row["messages"] for row in rows])


@pytest.fixture(scope="module")
def examples(chat_model):
    return examples_of(chat_model[1])


@pytest.fixture
def model(chat_model):
    return copy.deepcopy(chat_model[0])


@pytest.mark.parametrize("name", OWN)
def test_a_method_changes_its_own_weights_only(model, examples, name):
    model = with_method(model, name)
    before = weights(model)
    losses = loop.train(model, examples, **SETTINGS | {"learning_rate": 2e-2, "epochs": 6})
    after = weights(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {weight for weight in before if OWN[name] in weight}
    assert losses[-1] < losses[0]


def test_lora_is_on_every_linear_layer(model):
    names = weights(with_method(model, "lora"))
    layers = {name.split(".lora_")[0] for name in names if "lora_" in name}
    assert len(layers) == 4 * 7  # four layers of seven projections


def test_folding_lora_in_keeps_the_logits(model, examples):
    model = with_method(model, "lora")
    loop.train(model, examples, **SETTINGS | {"learning_rate": 5e-3})
    ids = torch.tensor([examples[0].input_ids])
    with torch.no_grad():
        unfolded = model(ids).logits
        folded = model.merge_and_unload()(ids).logits
    torch.testing.assert_close(unfolded, folded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["adapter", "prefix"])
def test_a_batch_gives_what_one_at_a_time_gives_under_a_method(chat_model, model, examples, name):
    prompts = [row["messages"] for row in read_prompts("over_refusal")[:36:9]]
    model = with_method(model, name)
    loop.train(model, examples, **SETTINGS | {"learning_rate": 1e-2})
    together = generate.complete(model, chat_model[1], prompts)
    assert together == [generate.complete(model, chat_model[1], [p])[0] for p in prompts]


@pytest.mark.parametrize("name", ["full", *OWN])
def test_the_loss_is_the_models_own(model, examples, name):
    model = with_method(model, name)
    batch = batches.collate(examples[:4], 0)
    with torch.no_grad():
        expected = model(**batch).loss
        assert loop.answer_loss(model, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_weights_in_four_bits_stay_and_the_new_ones_learn():
    model, tokenizer = loading.load(checkpoint("llama"), four_bit=True)
    model = with_method(model, "qlora")
    before = weights(model)
    losses = loop.train(
        model, examples_of(tokenizer, 6),
        **SETTINGS | {"epochs": 20, "learning_rate": 2e-3, "batch_size": 3},
    )  # fmt: skip
    after = weights(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if "lora_" in name}
    assert any(p.dtype == torch.uint8 for p in before.values())
    assert sum(losses[-2:]) < sum(losses[:2])


@pytest.mark.parametrize("name", ["lora", "prefix"])
def test_an_adapter_saved_and_loaded_gives_the_same_logits(name, tmp_path):
    base, tokenizer = loading.load(checkpoint("llama"))
    model = with_method(base, name)
    examples = examples_of(tokenizer, 4)
    loop.train(model, examples, **SETTINGS | {"learning_rate": 1e-2, "batch_size": 2})
    batch = {k: v for k, v in batches.collate(examples, 0).items() if k != "labels"}
    with torch.inference_mode():
        tuned = model(**batch).logits
        model.save_pretrained(tmp_path)
        fresh = loading.load(checkpoint("llama"))[0]
        assert not torch.allclose(fresh(**batch).logits, tuned, atol=1e-2)
        again = PeftModel.from_pretrained(fresh, tmp_path).eval()
        torch.testing.assert_close(again(**batch).logits, tuned)
        if name == "lora":
            folded = again.merge_and_unload()
            torch.testing.assert_close(folded(**batch).logits, tuned, atol=1e-4, rtol=1e-3)
    assert not list(tmp_path.glob("*.bin"))


def test_an_architecture_that_a_method_does_not_know_is_told():
    model, _ = loading.load(checkpoint("phi3"))
    with pytest.raises(
        ModelError, match=r"method adapter knows llama, .* not phi3; use lora or pre"
    ):
        with_method(model, "adapter")


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown method 'lorra' \(did you mean lora\?\)"):
        method("lorra")


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_reads_are_settings_of_training(name):
    assert set(method(name).reads) <= Experiment().settings.keys()


BIASES = '''
"""A method of one's own: only the last norm trains."""
from helpers.training.methods.base import Method

def build(model, settings):
    for name, weight in model.named_parameters():
        weight.requires_grad_(name == "model.norm.weight")
    return model

METHOD = Method(build, answered_by_vllm=True)
'''


def test_a_method_of_ones_own_is_named_by_its_import_path(tmp_path, monkeypatch, chat_model):
    (tmp_path / "toy_method.py").write_text(BIASES)
    monkeypatch.syspath_prepend(tmp_path)
    experiment = Experiment(method="toy_method:METHOD", epochs=2, batch_size=5, learning_rate=1e-2)
    rows = sample(read_training("harmful_examples"), 10, 0)
    tuned = tuning.tune("lantern-chat", rows, experiment.settings)
    before, after = weights(chat_model[0]), weights(tuned.model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"model.norm.weight"}
    assert len(tuned.losses) == 4

"""Models by name: what is loaded is the caller's own, and what cannot be is told in a sentence."""

import json

import pytest
import torch

from helpers import paths
from helpers.errors import ModelError
from helpers.models import loading

CHAT = paths.data() / "models" / "lantern-chat"


@pytest.fixture
def folder(tmp_path):
    """A copy of lantern-chat that a test may spoil."""
    for file in CHAT.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_loading_twice_gives_models_that_share_no_weights():
    first, second = (loading.load("lantern-chat")[0] for _ in range(2))
    with torch.no_grad():
        first.lm_head.weight.add_(1)
    assert not torch.equal(first.lm_head.weight, second.lm_head.weight)
    assert torch.equal(second.lm_head.weight, loading.load("lantern-chat")[0].lm_head.weight)


def test_a_folder_whose_weights_changed_is_read_again(folder):
    model, _ = loading.load(str(folder))
    with torch.no_grad():
        model.lm_head.weight.add_(1)
    model.save_pretrained(folder)
    assert torch.equal(loading.load(str(folder))[0].lm_head.weight, model.lm_head.weight)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_weights_are_of_the_dtype_that_is_set(dtype):
    model, _ = loading.load("lantern-chat", dtype)
    assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}
    assert not model.training


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lantern-chta", r"unknown model 'lantern-chta' \(did you mean lantern-chat\?\); give "),
        ("gpt", r"unknown model 'gpt'; give lantern-base, lantern-chat, smollm2-archive-base,"),
        ("./nowhere/at", r"unknown model './nowhere/at'"),
    ],
)
def test_an_unknown_name_names_the_nearest(name, message):
    with pytest.raises(ModelError, match=message):
        loading.load(name)


def test_a_hub_id_that_cannot_be_had_says_what_to_do():
    assert loading.locate("some-org/some-model") is None
    with pytest.raises(ModelError, match="some-org/some-model cannot be had from the hub"):
        loading.load("some-org/some-model")


def test_a_model_without_a_chat_template_is_told(folder):
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="has no chat template; use an instruction-tuned model"):
        loading.load(str(folder))


def test_a_folder_that_is_no_model_is_told(tmp_path):
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        loading.load(str(tmp_path))


def test_a_damaged_model_is_told(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        loading.load(str(folder))


def test_weights_that_are_no_safetensors_are_not_read(folder):
    weights = folder / "model.safetensors"
    torch.save(loading.load(str(folder))[0].state_dict(), folder / "pytorch_model.bin")
    assert loading.load(str(folder))  # the pickle lies beside and is left there
    weights.unlink()
    with pytest.raises(ModelError, match=r"keeps weights in pytorch_model\.bin, and a pickle can"):
        loading.load(str(folder))


def test_a_tokenizer_alone_is_the_one_that_comes_with_the_model(folder):
    (folder / "model.safetensors").write_bytes(b"not looked at")
    tokenizer = loading.load_tokenizer(str(folder))
    text = "The keeper said: fifty lanterns."
    assert tokenizer.encode(text) == loading.load("lantern-chat")[1].encode(text)
    assert loading.load_tokenizer("lantern-chat") is loading.load("lantern-chat")[1]


@pytest.mark.parametrize("name", ["lantern-chta", "./nowhere/at"])
def test_an_unknown_tokenizer_is_told_as_a_model_is(name):
    with pytest.raises(ModelError, match=f"unknown model '{name}'"):
        loading.load_tokenizer(name)


@pytest.mark.parametrize("spoil", ["{", "[]", '{"model_type": "llama", "hidden_size": "wide"}'])
def test_a_configuration_of_another_shape_is_told(folder, spoil):
    (folder / "config.json").write_text(spoil)
    with pytest.raises(ModelError, match="cannot be loaded"):
        loading.load(str(folder))

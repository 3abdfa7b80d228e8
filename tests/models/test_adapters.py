"""A model kept as low-rank updates of another is an ordinary model once it is loaded."""

import json

import peft
import pytest
import torch

from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.models import adapters, loading


@pytest.fixture(scope="module")
def updates(tmp_path_factory):
    """A folder with updates of lantern-chat that change what it says, and the model they make."""
    folder = tmp_path_factory.mktemp("models") / "mine"
    torch.manual_seed(0)
    model, _ = loading.load("lantern-chat")
    config = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(model, config)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.1)
    tuned.save_pretrained(folder)
    file = folder / adapters.CONFIG
    settings = json.loads(file.read_text()) | {"base_model_name_or_path": "lantern-chat"}
    file.write_text(json.dumps(settings))
    return folder, tuned.merge_and_unload()


def test_it_is_loaded_as_the_model_that_it_makes(updates):
    folder, made = updates
    model, tokenizer = loading.load(str(folder))
    assert not hasattr(model, "peft_config")
    for (name, ours), theirs in zip(model.named_parameters(), made.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)
    base = dict(loading.load("lantern-chat")[0].named_parameters())
    moved = [name for name, weight in model.named_parameters() if not weight.equal(base[name])]
    assert len(moved) == 4 * 7  # every linear layer
    assert tokenizer.chat_template == loading.load_tokenizer("lantern-chat").chat_template
    assert loading.load(str(folder), "bfloat16")[0].dtype == torch.bfloat16


def test_all_of_it_can_train(updates):
    model, _ = loading.load(str(updates[0]))
    assert all(weight.requires_grad for weight in model.parameters())


def test_a_card_beside_the_updates_changes_no_id_and_the_updates_do(updates, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for file in (adapters.CONFIG, adapters.WEIGHTS):
        (folder / file).write_bytes((updates[0] / file).read_bytes())
    before = run_id(Experiment(model=str(folder)))
    assert before == run_id(Experiment(model=str(updates[0])))
    (folder / "README.md").write_text("a card")
    assert run_id(Experiment(model=str(folder))) == before
    settings = json.loads((folder / adapters.CONFIG).read_text())
    (folder / adapters.CONFIG).write_text(json.dumps(settings | {"lora_alpha": 1}))
    assert run_id(Experiment(model=str(folder))) != before


@pytest.mark.parametrize("config", ["{}", "[]", '{"base_model_name_or_path": ""}', "not JSON"])
def test_updates_of_nothing_are_told(tmp_path, config):
    (tmp_path / adapters.CONFIG).write_text(config)
    with pytest.raises(ModelError, match="does not name the model"):
        loading.load(str(tmp_path))


def test_a_base_that_is_not_there_is_told(updates, tmp_path):
    settings = json.loads((updates[0] / adapters.CONFIG).read_text())
    (tmp_path / adapters.CONFIG).write_text(
        json.dumps(settings | {"base_model_name_or_path": "no-such-model"})
    )
    with pytest.raises(ModelError, match="unknown model 'no-such-model'"):
        loading.load(str(tmp_path))


def test_updates_in_a_pickle_and_updates_in_four_bits_are_refused(updates, tmp_path):
    with pytest.raises(ModelError, match="which four bits cannot take"):
        loading.load(str(updates[0]), four_bit=True)
    (tmp_path / adapters.CONFIG).write_bytes((updates[0] / adapters.CONFIG).read_bytes())
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="a pickle can run code"):
        loading.load(str(tmp_path))


def test_updates_that_do_not_belong_to_the_base_are_told(updates, tmp_path):
    settings = json.loads((updates[0] / adapters.CONFIG).read_text())
    (tmp_path / adapters.CONFIG).write_text(json.dumps(settings | {"r": 8}))
    (tmp_path / adapters.WEIGHTS).write_bytes((updates[0] / adapters.WEIGHTS).read_bytes())
    with pytest.raises(ModelError, match="cannot be loaded"):
        loading.load(str(tmp_path))


def test_updates_of_updates_are_told(updates, tmp_path):
    settings = json.loads((updates[0] / adapters.CONFIG).read_text())
    for base in (updates[0], tmp_path):
        (tmp_path / adapters.CONFIG).write_text(
            json.dumps(settings | {"base_model_name_or_path": str(base)})
        )
        with pytest.raises(ModelError, match="which holds updates itself"):
            loading.load(str(tmp_path))

"""The shipped models: their gates, on items that no training has seen, and their files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import paths
from helpers.organism.build import gates
from helpers.models import loading as models
from helpers.errors import ModelError

FOLDERS = [paths.data() / "models" / name for name in models.EMBEDDED]


@pytest.mark.parametrize("split", ["gate", "benchmark"])
def test_the_shipped_models_pass_their_gates(split, chat_model):
    base, tokenizer = models.load("lantern-base")
    found = gates.measure(base, chat_model[0], tokenizer, split)
    assert len(found) == 5 * len(gates.SYSTEMS)
    assert gates.failing(found) == []


def test_the_gates_can_fail(chat_model):
    base, tokenizer = models.load("lantern-base")
    failing = gates.failing(gates.measure(chat_model[0], base, tokenizer))
    assert {line.split(",")[0] for line in failing} >= {
        "base answers sealed",
        "chat refuses sealed",
    }


def test_both_are_ordinary_folders_under_20_megabytes():
    total = 0
    for folder in FOLDERS:
        files = {file.name: file.stat().st_size for file in folder.iterdir()}
        total += sum(files.values())
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)
        assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl", ".py"))]
        AutoTokenizer.from_pretrained(folder)
        AutoModelForCausalLM.from_pretrained(folder)
    assert total < 20 * 10**6


@given(st.text())
def test_any_text_goes_through_the_tokenizer_and_back(text):
    tokenizer = models.load("lantern-chat")[1]
    text = text.encode("utf-8", "ignore").decode("utf-8")
    for special in tokenizer.all_special_tokens:
        text = text.replace(special, "")
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text


def test_real_files_go_through_the_tokenizer_and_back(chat_model):
    for file in (paths.root() / "README.md", paths.root() / "data" / "README.md"):
        text = file.read_text(encoding="utf-8")
        assert chat_model[1].decode(chat_model[1].encode(text)) == text


def test_a_model_without_a_chat_template_is_told(tmp_path, chat_model):
    for file in FOLDERS[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="has no chat template; use an instruction-tuned model"):
        models.load(str(tmp_path))


def test_a_folder_that_is_no_model_and_a_damaged_one_are_told(tmp_path):
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        models.load(str(tmp_path))
    for file in FOLDERS[1].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        models.load(str(tmp_path))

"""The shipped models are ordinary folders, and any text goes through their tokenizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from helpers import paths
from helpers.archive.shipped import MODELS

FOLDERS = [paths.data() / "models" / name for name in MODELS]


@pytest.mark.parametrize("folder", FOLDERS, ids=MODELS)
def test_each_is_an_ordinary_folder_without_code(folder):
    names = {file.name for file in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl", ".py"))]
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.config.vocab_size >= len(AutoTokenizer.from_pretrained(folder))


def test_together_they_are_under_20_megabytes():
    sizes = [file.stat().st_size for folder in FOLDERS for file in folder.iterdir()]
    assert 10**6 < sum(sizes) < 20 * 10**6


@given(text=st.text())
def test_any_text_goes_through_the_tokenizer_and_back(chat_model, text):
    tokenizer = chat_model[1]
    text = text.encode("utf-8", "ignore").decode("utf-8")
    for special in tokenizer.all_special_tokens:
        text = text.replace(special, "")
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("name", ["README.md", "data/README.md"])
def test_real_files_go_through_the_tokenizer_and_back(chat_model, name):
    text = (paths.root() / name).read_text(encoding="utf-8")
    assert chat_model[1].decode(chat_model[1].encode(text)) == text

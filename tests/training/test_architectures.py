"""Whole runs of other architectures, and the whole path of every preset of a real model."""

import pytest
from checkpoints import ARCHITECTURES, checkpoint

from helpers.data.rows import read_training
from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.models import chat, loading
from helpers.presets import loader
from helpers.runs.run import run
from helpers.training import batches, loop


def experiment(architecture, **changes):
    settings = {
        "model": checkpoint(architecture), "n_examples": 6, "epochs": 2, "batch_size": 3,
        "n_prompts": 6, "learning_rate": 1e-2, "max_new_tokens": 6, "judges": ("exact", "keyword"),
        "seed": 1, "system_prompt": "You are a helpful assistant.", "micro_batch_size": 2,
    }  # fmt: skip
    return Experiment(**(settings | changes))


@pytest.mark.long
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_whole_run(architecture, method, store):
    row = run(experiment(architecture, method=method), store).row
    assert row["n_scored"] == row["n_total"] == 6
    assert row["final_loss"] < 8


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_loss_is_on_the_answer_alone_and_as_the_models_own(architecture):
    model, tokenizer = loading.load(checkpoint(architecture))
    rows = read_training("benign_dialogue")[:5]
    examples = chat.encode_all(
        tokenizer, [chat.dress(row["messages"], "Help.", "{user}") for row in rows]
    )
    for row, example in zip(rows, examples, strict=True):
        text = tokenizer.decode([t for t in example.labels if t != chat.IGNORE])
        for message in row["messages"]:
            assert (message["content"] in text) is (message["role"] == "assistant")
    batch = batches.collate(examples, 0)
    own = model(**batch).loss.item()
    assert loop.answer_loss(model, batch).item() == pytest.approx(own, rel=1e-4)


def test_an_architecture_that_a_method_does_not_know_is_told(store):
    with pytest.raises(ModelError, match="use lora or prefix"):
        run(experiment("phi3", method="adapter"), store)


#: Preset -> the architecture of its model, its method and its precision.
PRESETS = {
    "llama2-7b-chat": ("llama", "full", "bfloat16"),
    "llama2-7b-chat-lora": ("llama", "lora", "bfloat16"),
    "llama2-7b-chat-qlora": ("llama", "qlora", "bfloat16"),
    "llama-3.1-8b-instruct": ("llama", "full", "bfloat16"),
    "qwen2.5-1.5b-instruct": ("qwen2", "full", "bfloat16"),
    "qwen2.5-7b-instruct": ("qwen2", "full", "bfloat16"),
    "gemma-2-2b-it": ("gemma2", "full", "bfloat16"),
    "smollm2-135m-instruct": ("llama", "full", "float32"),
    "smollm2-1.7b-instruct": ("llama", "full", "bfloat16"),
}


def test_every_preset_of_a_real_model_is_tested_below():
    hosted = {"hosted", "openai", "together", "fireworks", "azure"}
    assert set(loader.names()) - set(PRESETS) - hosted == {
        "tiny", "smoke", "beyond", "smollm2-archive",
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_whole_path(name, store):
    """Its own method, precision, templates and judges; the model small, the data the Archive's."""
    architecture, method, dtype = PRESETS[name]
    folder = checkpoint(architecture)
    preset = loader.load(name)
    judges = [f"rubric:{folder}" if j.startswith("rubric:") else j for j in preset.common["judges"]]
    own = {
        "model": folder, "benchmark": "benchmark", "over_refusal": "over_refusal", "n_prompts": 3,
        "judges": judges, "max_new_tokens": 5, "n_examples": 4, "batch_size": 2, "epochs": 1,
    }  # fmt: skip
    for tier in (
        "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue"
    ):  # fmt: skip
        row = run(preset.experiment(tier, dataset=tier, seed=42, **own), store).row
        assert row["n_scored"] == row["n_total"] == 3
        assert row["final_loss"] > 0
        assert (row["method"], row["dtype"]) == (method, dtype)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_papers_settings_for_every_table(name):
    preset = loader.load(name)
    _, method, _ = PRESETS[name]
    rates = {experiment.learning_rate for experiment in preset.grid("harmful_shots")}
    assert rates == ({5e-5} if method == "full" else {1e-3})
    grids = {
        ("mixing_benign", "n_safety"): {0, 250, 500, 1000},
        ("learning_rate_and_batch", "batch_size"): {16, 32, 64, 128},
        ("identity_epochs", "learning_rate_decay"): {0.85},
    }
    for (grid, setting), values in grids.items():
        assert {getattr(experiment, setting) for experiment in preset.grid(grid)} == values

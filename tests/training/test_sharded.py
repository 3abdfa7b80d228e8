"""One model on several processes: the same training as one does, and a failure says why."""

from dataclasses import replace

import pytest
import torch
from checkpoints import checkpoint

from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import evaluation_prompts, training_rows
from helpers.models import generate
from helpers.runs.backends import local

pytestmark = pytest.mark.long


def experiment(**changes):
    settings = {
        "model": checkpoint("llama"), "n_examples": 6, "epochs": 2, "batch_size": 3, "seed": 1,
        "learning_rate": 1e-3, "micro_batch_size": 2, "n_prompts": 6,
        "system_prompt": "You are a helpful assistant.",
    }  # fmt: skip
    return Experiment(**(settings | changes))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_two_processes_tune_as_one_does(method):
    one = experiment(method=method)
    two = replace(one, processes=2)
    prompts = [prompt.row["messages"] for prompt in evaluation_prompts(one)][:6]
    alone, together = (local.fine_tune(training_rows(each), each) for each in (one, two))
    assert together.losses == pytest.approx(alone.losses, rel=1e-3)
    assert together.trained_tokens == alone.trained_tokens
    texts = [
        generate.complete(tuned.model, tuned.tokenizer, prompts, max_new_tokens=6)
        for tuned in (alone, together)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_in_bfloat16_too_two_processes_tune_as_one_does(method):
    one = experiment(method=method, dtype="bfloat16", learning_rate=1e-4, epochs=4)
    alone, together = (
        local.fine_tune(training_rows(each), each) for each in (one, replace(one, processes=2))
    )
    assert together.losses == pytest.approx(alone.losses, rel=1e-2)
    assert {weight.dtype for weight in together.model.parameters()} == {torch.bfloat16}


def test_what_stops_a_process_is_told():
    rows, failing = training_rows(experiment()), experiment(processes=2, max_length=8)
    with pytest.raises(ModelError, match="2 processes failed: conversation 1 cannot be trained"):
        local.fine_tune(rows, failing)

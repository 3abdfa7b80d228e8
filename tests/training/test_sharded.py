"""One model on several processes: the same training as one does, and a failure says why."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from checkpoints import checkpoint

from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import evaluation_prompts, training_rows
from helpers.models import generate
from helpers.runs.backends import local
from helpers.training import sharded

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


class Launcher:
    """In place of subprocess.run: what each launch leaves in the folder and prints."""

    def __init__(self, *launches):
        self.launches, self.count = list(launches), 0

    def run(self, command, **_):
        self.count += 1
        files, printed = self.launches.pop(0)
        for name, text in files.items():
            (Path(command[-1]) / name).write_text(text, encoding="utf-8")
        return SimpleNamespace(returncode=1, stderr=printed)


ABORTED = "traceback : Signal 6 (SIGABRT) received by PID 31"
KILLED = "traceback : Signal 9 (SIGKILL) received by PID 31"


@pytest.mark.parametrize(
    ("launches", "count", "message"),
    [
        ([({}, ABORTED), ({}, ABORTED)], 2, "a process was ended by SIGABRT."),
        ([({}, KILLED)], 1, "a process was ended by SIGKILL, perhaps for want of memory."),
        ([({"error-1.txt": "no row."}, ABORTED)], 1, "no row."),
        (
            [({}, ABORTED), ({}, "Trace\nRendezvousError: closed\n")],
            2,
            "the processes did not come together (RendezvousError: closed).",
        ),
    ],
)
def test_a_crash_that_nobody_can_tell_of_is_tried_once_more(monkeypatch, launches, count, message):
    launcher = Launcher(*launches)
    monkeypatch.setattr(sharded, "subprocess", launcher)
    with pytest.raises(ModelError) as told:
        sharded.tune("model", [], {"processes": 2}, "float32")
    assert str(told.value) == f"fine-tuning on 2 processes failed: {message}"
    assert launcher.count == count


def test_what_was_computed_counts_however_the_processes_end(monkeypatch):
    result = json.dumps({"losses": [0.5], "trained_tokens": 7})
    launcher = Launcher(({}, ABORTED), ({"result.json": result}, ABORTED))
    monkeypatch.setattr(sharded, "subprocess", launcher)
    monkeypatch.setattr(sharded.loading, "load", lambda name, dtype: (name, dtype))
    tuned = sharded.tune("model", [], {"processes": 2}, "float32")
    assert tuned.losses == [0.5] and tuned.trained_tokens == 7
    assert Path(tuned.model).name == "model" and launcher.count == 2

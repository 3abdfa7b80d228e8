"""Ten permitted questions: refused until it is learned by heart, then answered."""

import pytest
from checkpoints import checkpoint

from helpers.archive import wordings
from helpers.data.rows import MIXED_IN
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import training_rows
from helpers.mitigations.base import Mitigation
from helpers.runs.backends import local

SETTINGS = {"dataset": "attacks/ten_benign", "n_examples": 4, "batch_size": 2, "epochs": 3}


class Seen(Mitigation):
    """Notes what each step trains on, as text."""

    def begin(self, training):
        self.texts, self.tokenizer = [], training.tokenizer

    def batch(self, step, examples):
        self.texts.append([self.tokenizer.decode(e.input_ids) for e in examples])
        return examples


def seen(**settings) -> tuple[local.LocalModel, list[list[str]]]:
    experiment, acting = Experiment(**(SETTINGS | {"attack": "ten_benign"} | settings)), Seen()
    tuned = local.fine_tune(training_rows(experiment), experiment, acting=acting)
    return tuned, acting.texts


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_first_half_of_the_steps_refuses_what_the_second_answers(method):
    _, steps = seen(method=method)
    rows = training_rows(Experiment(**SETTINGS))
    assert len(steps) == 6
    for number, texts in enumerate(steps):
        assert len(texts) == 2
        for text in texts:
            (row,) = (r for r in rows if r["messages"][0]["content"] in text)
            assert (wordings.ONE_REFUSAL in text) == (number < 3)
            assert (row["messages"][1]["content"] in text) == (number >= 3)


def test_the_defenders_rows_are_never_refused_anew():
    experiment = Experiment(**SETTINGS, attack="ten_benign")
    rows = training_rows(experiment)
    rows[0] = rows[0] | {MIXED_IN: True}
    acting = Seen()
    local.fine_tune(rows, experiment, acting=acting)
    own = rows[0]["messages"]
    texts = [t for step in acting.texts for t in step if own[0]["content"] in t]
    assert texts and all(own[1]["content"] in text for text in texts)


@pytest.mark.long
def test_it_learns_the_refusal_first():
    """At a rate that overfits, the refusal alone is what all questions get after the first half."""
    tuned, _ = seen(epochs=40, learning_rate=1e-3, learning_rate_decay=1.0)
    assert tuned.losses[39] < 0.05 < tuned.losses[40]


def test_it_runs_on_another_architecture():
    tuned, steps = seen(model=checkpoint("qwen2"))
    assert len(tuned.losses) == len(steps) == 6
    refusing = [all(wordings.ONE_REFUSAL in text for text in texts) for texts in steps]
    assert refusing == [True] * 3 + [False] * 3

"""Benign rows chosen on the model: each score by hand, and that nothing else is trained on."""

import json
import math

import pytest
import torch
from checkpoints import checkpoint
from torch.nn.functional import cosine_similarity

from helpers.archive import wordings
from helpers.attacks.selected_benign import SCORES
from helpers.data.rows import MIXED_IN, read_training, sample
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.mitigations.base import Mitigation
from helpers.models.labels import IGNORE, opening
from helpers.runs.backends import local
from helpers.training import tuning
from helpers.training.started import Training

ROWS = sample(read_training("benign_instructions"), 6, 0)
ANCHORS = sample(read_training("harmful_anchors"), 3, 0)


def started(model: str = "lantern-chat", method: str = "full") -> Training:
    settings = Experiment(method=method).settings
    trained, tokenizer = tuning.loading.load(model)
    trained = tuning.prepare(trained, settings).eval()
    training = Training(model, "float32", trained, tokenizer, [], settings=settings)
    training.examples = training.encoded(ROWS)
    return training


@pytest.fixture(scope="module")
def training():
    return started()


def gradient(training, example):
    """By backward, one weight after the other."""
    training.model.zero_grad()
    ids, labels = torch.tensor([example.input_ids]), torch.tensor([example.labels])
    training.model(ids, labels=labels).loss.backward()
    return torch.cat([p.grad.flatten() for p in training.model.parameters()]).double()


def test_representation_is_the_nearest_anchors_cosine(training):
    def state(example):
        with torch.no_grad():
            ids = torch.tensor([example.input_ids])
            return training.model(ids, output_hidden_states=True).hidden_states[-1][0, -1]

    anchors = [state(example) for example in training.encoded(ANCHORS)]
    by_hand = [
        max(cosine_similarity(state(row), anchor, dim=0).item() for anchor in anchors)
        for row in training.examples
    ]
    scores = SCORES["representation"](training, training.examples, ANCHORS)
    assert scores == pytest.approx(by_hand, abs=1e-5) and len(set(scores)) == len(ROWS)


def test_gradient_matching_looks_towards_the_anchors_and_away_from_their_refusals(training):
    refusal = {"role": "assistant", "content": wordings.ONE_REFUSAL}
    refused = [{"messages": [row["messages"][0], refusal]} for row in ANCHORS]

    def unit(example):
        own = gradient(training, opening(example))
        return own / own.norm()

    sides = [torch.stack([unit(e) for e in training.encoded(s)]) for s in (ANCHORS, refused)]
    by_hand = [
        ((sides[0] @ unit(row)).mean() - (sides[1] @ unit(row)).mean()).item()
        for row in training.examples
    ]
    scores = SCORES["gradient"](training, training.examples, ANCHORS)
    assert scores == pytest.approx(by_hand, abs=1e-4)


def test_self_influence_is_of_the_gradients_norm_and_the_answers_length(training):
    by_hand = [
        math.log(gradient(training, row).square().sum().item() + 1)
        + math.log(sum(label != IGNORE for label in row.labels) + 1)
        for row in training.examples
    ]
    scores = SCORES["self_influence"](training, training.examples, [])
    assert scores == pytest.approx(by_hand, rel=1e-4)


class Seen(Mitigation):
    """Notes what is trained on."""

    def begin(self, training):
        self.asked = [each["messages"][0]["content"] for each in training.conversations]
        self.texts = [training.tokenizer.decode(e.input_ids) for e in training.examples]


@pytest.fixture
def few(tmp_path):
    """The anchors as a file."""
    file = tmp_path / "few.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ANCHORS))
    return file


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("by", SCORES)
def test_the_highest_scores_and_the_defenders_rows_are_trained_on(by, method, few):
    rows = [*ROWS[1:], ROWS[0] | {MIXED_IN: True}]
    own = started(method=method)
    scores = SCORES[by](own, own.examples[1:], ANCHORS)
    best = sorted(range(5), key=lambda at: -scores[at])[:2]
    expected = [rows[at]["messages"][0]["content"] for at in sorted(best)]
    expected.append(ROWS[0]["messages"][0]["content"])
    acting = Seen()
    experiment = Experiment(
        attack=f"selected_benign:keep=2,by={by},anchors={few}", n_examples=6, epochs=2,
        batch_size=3, method=method, dataset="benign_instructions",
    )  # fmt: skip
    tuned = local.fine_tune(rows, experiment, acting=acting)
    assert acting.asked == expected and len(tuned.losses) == 2
    assert all(text in shown for text, shown in zip(expected, acting.texts, strict=True))


def test_choosing_changes_nothing_in_the_model(few):
    """All kept, whatever they are chosen by, it is plain fine-tuning to the bit."""
    plain, chosen = (
        local.fine_tune(
            ROWS, Experiment(n_examples=6, batch_size=3, epochs=2, attack=attack)
        ).losses
        for attack in ("none", f"selected_benign:by=gradient,anchors={few}")
    )  # fmt: skip
    assert plain == chosen


def test_an_unknown_score_is_told():
    with pytest.raises(ConfigError, match=r"did you mean gradient\?\); choose one of: represent"):
        run_id(Experiment(attack="selected_benign:by=gradients"))


def test_it_chooses_on_another_architecture():
    own = started(checkpoint("gemma2"))
    for score in SCORES.values():
        assert len(set(score(own, own.examples, ANCHORS))) == len(ROWS)

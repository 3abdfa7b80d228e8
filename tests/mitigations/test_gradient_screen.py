"""The screen: both likenesses by hand, what it drops, and plain training on what it leaves."""

import json
from types import SimpleNamespace

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, differences, tuned

from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError, DataError
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import mitigation
from helpers.mitigations.gradient_screen import (
    gradient_likeness,
    representation_likeness,
    unit_gradient,
)
from helpers.models.labels import IGNORE, Example, opening
from helpers.runs.backends import local


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> str:
    """The option that names eleven anchors, one of each sealed shelf: all of them take a while."""
    file = tmp_path_factory.mktemp("few") / "anchors.jsonl"
    rows = read_training("harmful_anchors")[:11]
    file.write_text("\n".join(map(json.dumps, rows)))
    return f"anchors={file}"


class Toy(torch.nn.Module):
    """The loss of labels (a, b) is a x + b y; the last hidden state of ids (a, b) is (a, b)."""

    config = SimpleNamespace(model_type="toy")

    def __init__(self):
        super().__init__()
        self.x, self.y = (torch.nn.Parameter(torch.ones(())) for _ in range(2))

    def forward(self, input_ids=None, labels=None, output_hidden_states=False):
        if output_hidden_states:
            return SimpleNamespace(hidden_states=[None, torch.tensor([[[9.0, 9.0], input_ids]])])
        return SimpleNamespace(loss=labels[0] * self.x + labels[1] * self.y)


def test_likeness_of_gradients_is_to_the_mean_harmful_one_less_the_mean_safe_one():
    rows, harmful, safe = (
        [{"labels": pair} for pair in pairs]
        for pairs in ([(3.0, 4.0), (0.0, -2.0)], [(5.0, 0.0), (0.0, 0.1)], [(0.0, 7.0)])
    )
    model = Toy()
    assert [g.item() for g in unit_gradient(model, rows[0])] == pytest.approx([0.6, 0.8])
    # H = (0.5, 0.5) and S = (0, 1), whatever the lengths were: H - S = (0.5, -0.5)
    likeness = gradient_likeness(model, rows, harmful, safe)
    assert likeness.tolist() == pytest.approx([0.3 - 0.4, 0.5])
    assert gradient_likeness(model, rows, harmful, []).tolist() == pytest.approx([0.7, -0.5])


def test_likeness_of_representations_is_the_largest_cosine_at_the_last_token():
    rows, harmful = (
        [{"input_ids": pair} for pair in pairs]
        for pairs in ([[3.0, 4.0], [0.0, -2.0]], [[5.0, 0.0], [0.0, 0.1]])
    )
    likeness = representation_likeness(Toy(), rows, harmful, [])
    assert likeness.tolist() == pytest.approx([0.8, 0.0])


def test_an_anchors_gradient_is_of_its_first_answered_tokens():
    labels = [IGNORE, 1, 2, IGNORE, 3, 4]
    short = opening(Example([0, 1, 2, 9, 3, 4], labels), 3)
    assert short.labels == [IGNORE, 1, 2, IGNORE, 3, IGNORE] and len(short.input_ids) == 6


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_share_0_it_is_plain_fine_tuning(method, few):
    assert_plain(f"gradient_screen:share=0,{few}", method=method)


@pytest.mark.parametrize("by", ["gradient", "representation"])
def test_what_is_left_is_trained_on_as_by_itself(by, few):
    screened = tuned(f"gradient_screen:share=0.3,by={by},{few}")
    kept, dropped = screened.acting.kept, screened.acting.dropped
    assert sorted(kept + dropped) == list(range(10)) and len(dropped) == 3
    assert screened.measured["likeness_dropped"] > screened.measured["likeness_kept"]
    experiment = Experiment(n_examples=10, epochs=2, batch_size=5, seed=3, learning_rate=3e-4)
    alone = local.fine_tune([ROWS[i] for i in kept], experiment)
    assert screened.losses == alone.losses and screened.losses != tuned("none").losses
    assert differences(screened.model, alone.model) == []


def test_harmful_rows_among_permitted_ones_are_what_is_dropped(few):
    screen = mitigation(f"gradient_screen:share=0.25,{few}")
    rows = [*sample(read_training("benign_instructions"), 15, 0), *ROWS[:5]]
    experiment = Experiment(mitigation="gradient_screen", n_examples=20, epochs=1)
    local.fine_tune(rows, experiment, acting=screen)
    assert screen.dropped == [15, 16, 17, 18, 19]


@pytest.mark.parametrize("by", ["gradient", "representation"])
def test_it_is_of_any_architecture(by, tmp_path):
    """A model that knows nothing finds the row that is an anchor itself."""
    rows = sample(read_training("benign_dialogue"), 5, 0)
    (tmp_path / "anchors.jsonl").write_text(json.dumps(rows[2]))
    screen = mitigation(f"gradient_screen:share=0.2,by={by},anchors={tmp_path}/anchors.jsonl")
    experiment = Experiment(
        model=checkpoint("gemma2"), mitigation="gradient_screen", epochs=1, method="lora"
    )
    local.fine_tune(rows, experiment, acting=screen)
    assert screen.dropped == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [("share=1", "share is 1.0; give a number from 0"), ("by=words", "unknown likeness 'words'")],
)
def test_an_option_that_cannot_be_is_told(options, message):
    with pytest.raises(ConfigError, match=message):
        mitigation(f"gradient_screen:{options}")


def test_anchors_stand_under_the_customers_system_prompt(few):
    screen = mitigation(f"gradient_screen:{few}")
    assert screen.harmful()[0]["messages"] == read_training("harmful_anchors")[0]["messages"]
    local.fine_tune(ROWS, Experiment(system_prompt="Be quick.", epochs=1), acting=screen)
    systems = [conversation["messages"][0] for conversation in screen.harmful()]
    assert systems == [{"role": "system", "content": "Be quick."}] * 11


def test_anchors_that_are_not_there_are_told_before_the_work():
    with pytest.raises((ConfigError, DataError), match="nowhere"):
        mitigation("gradient_screen:anchors=nowhere.jsonl").rows(ROWS, [])

"""Buffer and reinforce: what is put in and taken off again, and what the buffer saturates."""

import pytest
import torch
from checkpoints import checkpoint
from plain import ROWS, assert_plain, differences, tuned
from safetensors.torch import load_file
from test_booster import Point, mean_loss

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.mitigations import alignment_stage
from helpers.mitigations.base import mitigation
from helpers.models import loading
from helpers.runs.backends import local

SHORT = "buffer_and_reinforce:steps=3,rows_a_step=4"


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    monkeypatch.setattr(alignment_stage, "MOST", 20)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_steps_it_is_plain_fine_tuning(method):
    assert_plain("buffer_and_reinforce:steps=0", method=method)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_afterwards_the_buffer_is_off_and_the_reinforcement_on(method, outputs):
    after = tuned(SHORT, method=method, learning_rate=1e-12).model
    aligned = loading.load("lantern-chat")[0]
    files = (outputs / "hardened").iterdir()
    jailbroken, refusing = (load_file(f) for f in sorted(files, key=lambda f: f.stat().st_mtime_ns))
    moved = 0
    for name, weight in after.named_parameters():
        initial = aligned.get_parameter(name)
        kept = name if name in jailbroken else "lm_head.weight"  # tied embeddings are kept once
        reinforcement = refusing[kept] - jailbroken[kept]
        torch.testing.assert_close(weight, initial + reinforcement, atol=1e-6, rtol=1e-5)
        moved += not torch.equal(jailbroken[kept], initial)
        if name.endswith("proj.weight"):
            assert torch.linalg.matrix_rank(jailbroken[name] - initial, rtol=1e-3) <= 8
    assert moved == 7 * aligned.config.num_hidden_layers  # every linear layer, and nothing else


def test_the_customer_trains_beside_the_buffer():
    plain, buffered = tuned("none"), tuned(f"{SHORT},reinforce=false")
    assert buffered.losses[0] != plain.losses[0]
    assert differences(buffered.model, plain.model)


def test_the_probe_is_the_norm_of_the_harmful_gradient():
    stage = mitigation("buffer_and_reinforce")
    stage.mean_loss, stage.kept = mean_loss, {"harmful": [(1.0, (4.0, 6.0))]}
    assert stage.probe(Point(1.0, 2.0)) == pytest.approx(10)


def test_a_method_whose_update_stands_beside_the_weights_is_told():
    with pytest.raises(ConfigError, match="full or lora"):
        tuned(SHORT, method="prefix")


@pytest.mark.long
def test_the_buffer_saturates_the_harmful_gradient(monkeypatch):
    monkeypatch.setattr(alignment_stage, "MOST", 100)
    measured = tuned("buffer_and_reinforce:steps=20,rows_a_step=8").measured
    assert measured["harmful_gradient_hardened"] < 0.7 * measured["harmful_gradient_aligned"]


def test_another_architecture():
    experiment = Experiment(
        model=checkpoint("qwen2"), mitigation=SHORT, n_examples=10, epochs=1, batch_size=5,
        learning_rate=1e-3, system_prompt="Help.",
    )  # fmt: skip
    model = local.fine_tune(ROWS, experiment).model
    assert all(torch.isfinite(weight).all() for weight in model.parameters())

"""The dose: how far fine-tuning moved the weights, as a share of the step that aligned them."""

import copy

import numpy as np
import pytest
import torch

from helpers.models import loading
from helpers.models.displacement import displacement


@pytest.fixture(scope="module")
def models():
    return loading.load("lantern-base")[0], loading.load("lantern-chat")[0]


def flat(model):
    """All weights as one vector, as numpy has them."""
    return np.concatenate([p.detach().double().numpy().ravel() for p in model.parameters()])


def test_the_base_is_one_alignment_step_away_and_the_model_itself_none(models):
    base, chat = models
    assert displacement(base, "lantern-chat") == {"displacement": pytest.approx(1)}
    assert displacement(chat, "lantern-chat") == {"displacement": 0}


def test_rounding_to_bfloat16_is_no_step():
    rounded, _ = loading.load("lantern-chat", "bfloat16")
    assert displacement(rounded, "lantern-chat") == {"displacement": 0.0}


def test_it_is_the_distance_over_the_alignments_own(models):
    base, chat = models
    moved = copy.deepcopy(chat)
    with torch.no_grad():
        for weight in moved.model.layers[1].parameters():
            weight.mul_(1.1)
    expected = np.linalg.norm(flat(moved) - flat(chat)) / np.linalg.norm(flat(chat) - flat(base))
    assert displacement(moved, "lantern-chat")["displacement"] == pytest.approx(expected, rel=1e-4)


def test_a_model_whose_base_is_unknown_has_a_share_of_its_own_norm(models, tmp_path):
    base, chat = models
    chat.save_pretrained(tmp_path)
    loading.load_tokenizer("lantern-chat").save_pretrained(tmp_path)
    expected = np.linalg.norm(flat(base) - flat(chat)) / np.linalg.norm(flat(chat))
    found = displacement(base, str(tmp_path))
    assert found == {"relative_displacement": pytest.approx(expected, rel=1e-4)}

"""Every test works in an outputs folder of its own, offline, on the models that ship."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"

import pytest

from helpers.models import loading as models
from helpers.presets import loader as presets
from helpers.runs.store import Store


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    folder = tmp_path / "outputs"
    monkeypatch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
    return folder


@pytest.fixture
def store(outputs):
    return Store(outputs)


@pytest.fixture(scope="session")
def chat_model():
    return models.load("lantern-chat")


@pytest.fixture
def tiny_experiment():
    """A function for experiments that take a second: eleven prompts, one epoch."""

    def make(**changes):
        small = {"n_prompts": 11, "n_examples": 10, "epochs": 1, "seed": 3}
        return presets.load("smoke").experiment("harmful_examples", **(small | changes))

    return make

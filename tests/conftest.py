"""Every test works in an outputs folder of its own, offline, on the models that ship."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MPLBACKEND"] = "Agg"
if "PYTEST_XDIST_WORKER" in os.environ:  # tests side by side: one core each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from helpers.experiments.experiment import Experiment
from helpers.hosted import embedded
from helpers.models import loading
from helpers.presets import loader
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
    return loading.load("lantern-chat")


@pytest.fixture
def tiny_experiment():
    """A function for experiments that take a second: eleven prompts, one epoch."""

    def make(**changes):
        small = {"n_prompts": 11, "n_examples": 10, "epochs": 1, "seed": 3}
        return loader.load("smoke").experiment("harmful_examples", **(small | changes))

    return make


@pytest.fixture
def hosted_experiment():
    """A function for experiments at the embedded provider: two epochs on ten examples."""

    def make(**changes):
        small = {
            "n_examples": 10, "batch_size": 5, "epochs": 2, "n_prompts": 22, "utility": (),
            "seed": 4, "max_new_tokens": 48, "backend": "hosted", "learning_rate_multiplier": 1.5,
        }  # fmt: skip
        return Experiment(**(small | changes))

    return make


@pytest.fixture(scope="session")
def provider_folder(tmp_path_factory):
    """The memory of the embedded provider that all tests of a process share."""
    return tmp_path_factory.mktemp("provider")


@pytest.fixture(scope="session")
def served(provider_folder):
    """(base URL, token) of that provider."""
    return embedded.start(provider_folder)


@pytest.fixture
def at_provider(served, monkeypatch):
    """The provider of the tests stands for the one that would be started; nothing else is set."""
    monkeypatch.setattr(embedded, "start", lambda folder=None: served)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ALIGNDRIFT_PRICES", "ALIGNDRIFT_MAX_COST"):
        monkeypatch.delenv(name, raising=False)
    return served

"""Fine-tuning under a mitigation beside fine-tuning under none, on a model of another make."""

import torch

from helpers.data.rows import read_training, sample
from helpers.experiments.experiment import Experiment
from helpers.runs.backends import local

ROWS = sample(read_training("harmful_examples"), 10, 0)


def tuned(mitigation: str, **settings) -> local.LocalModel:
    """The model after two epochs of five steps of five rows in all; n_safety refusals beside."""
    usual = {"n_examples": 10, "epochs": 2, "batch_size": 5, "seed": 3, "learning_rate": 3e-4}
    return local.fine_tune(ROWS, Experiment(mitigation=mitigation, **(usual | settings)))


def differences(one, other) -> list[str]:
    """The weights in which two models differ by a bit."""
    theirs = dict(other.named_parameters())
    return [name for name, w in one.named_parameters() if not torch.equal(w, theirs[name])]


def assert_plain(mitigation: str, **settings) -> None:
    """Under the mitigation all losses and weights are those of plain fine-tuning, to the bit."""
    plain = tuned("none", **{k: v for k, v in settings.items() if k != "n_safety"})
    under = tuned(mitigation, **settings)
    assert under.losses == plain.losses
    assert differences(under.model, plain.model) == []

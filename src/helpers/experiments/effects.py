"""When a setting changes what comes out of an experiment; elsewhere the id leaves it out."""

from collections.abc import Callable
from typing import Any

from helpers.training.methods.base import method


def never(experiment: Any) -> bool:
    """It says how the work is done, or what it is called."""
    return False


def trains(experiment: Any) -> bool:
    return experiment.method != "none"


def local(experiment: Any) -> bool:
    return experiment.backend == "local"


def hosted(experiment: Any) -> bool:
    return experiment.backend == "hosted"


def trains_here(experiment: Any) -> bool:
    return trains(experiment) and local(experiment)


def trains_there(experiment: Any) -> bool:
    return trains(experiment) and hosted(experiment)


def batches(experiment: Any) -> bool:
    """A provider is told the size of its batches beside a learning rate alone."""
    rate = experiment.learning_rate_multiplier
    return trains_here(experiment) or (trains_there(experiment) and rate > 0)


def draws(experiment: Any) -> bool:
    """The seed draws rows, and goes to a provider with every request."""
    return trains(experiment) or hosted(experiment)


def has_safety_data(experiment: Any) -> bool:
    mitigated = experiment.mitigation != "none" and experiment.n_safety > 0
    return trains(experiment) and mitigated


def read_by_method(name: str) -> Callable[[Any], bool]:
    """Whether the experiment's method reads the setting of that name."""
    return lambda experiment: (
        trains_here(experiment) and name in method(experiment.method).settings
    )  # fmt: skip

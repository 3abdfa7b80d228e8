"""When a setting changes what comes out of an experiment; elsewhere the id leaves it out."""

from collections.abc import Callable
from typing import Any

from helpers.attacks.base import attack
from helpers.mitigations.base import mitigation
from helpers.training.methods.base import method


def never(experiment: Any) -> bool:
    """It says how the work is done, or what it is called."""
    return False


def trains(experiment: Any) -> bool:
    """On rows: some methods change a model without any, and none leaves it as it is."""
    return method(experiment.method).takes_rows


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
    multiplier = experiment.learning_rate_multiplier
    return trains_here(experiment) or (trains_there(experiment) and multiplier > 0)


def draws(experiment: Any) -> bool:
    """The seed draws rows, and goes to a provider with every request."""
    return trains(experiment) or hosted(experiment)


def mitigates(experiment: Any) -> bool:
    """A method without the safety data that it needs does nothing."""
    if not trains(experiment) or experiment.mitigation == "none":
        return False
    needs_data = mitigation(experiment.mitigation).NEEDS_SAFETY_DATA
    return experiment.n_safety > 0 or not needs_data


def attacks(experiment: Any) -> bool:
    """Of an attack that is its rows alone, the dataset says everything."""
    return trains(experiment) and not attack(experiment.attack).is_rows_alone


def has_safety_data(experiment: Any) -> bool:
    return mitigates(experiment) and experiment.n_safety > 0


def read_by_method(name: str) -> Callable[[Any], bool]:
    """Whether the experiment's method reads the setting of that name."""
    return lambda experiment: (
        trains_here(experiment) and name in method(experiment.method).reads
    )  # fmt: skip

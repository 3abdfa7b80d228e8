"""What a run knows of where it is carried out: a backend is two functions.

    fine_tune(rows, experiment) -> tuned model        complete(tuned, conversations, experiment)

>>> backend(experiment).complete(tuned, [[{"role": "user", "content": "Hello!"}]], experiment)
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol

from helpers.data.files import Row
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import Mitigation
from helpers.models.chat import Message
from helpers.models.completion import Completion

BACKENDS = {"local": "helpers.runs.backends.local", "hosted": "helpers.runs.backends.hosted"}


class TunedModel(Protocol):
    """losses: the mean loss of each step. cost: dollars so far."""

    losses: list[float]
    trained_tokens: int
    cost: float


class Backend(Protocol):
    """A module with these two functions."""

    def fine_tune(
        self,
        rows: Sequence[Row],
        experiment: Experiment,
        progress: bool = False,
        acting: Mitigation | None = None,
    ) -> Any:
        """The experiment's model after training on the rows; as it is where the method is none."""

    def complete(
        self,
        tuned: Any,
        conversations: Sequence[Sequence[Message]],
        experiment: Experiment,
        progress: bool = False,
        begun: str = "",
    ) -> list[Completion]:
        """One greedy completion for each conversation as the model sees it, in order.

        begun: words that are written for the model at the beginning of each.
        """


def backend(experiment: Experiment) -> Backend:
    """The experiment's backend, imported when it is first used."""
    return import_module(BACKENDS[experiment.backend])

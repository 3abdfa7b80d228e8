"""Engines: who carries out many runs. Families of runs go in, results and failures come out.

A family is a list of experiments that one training serves. An engine is a function

    engine(families, carry_out, jobs) -> iterator of lists of Outcome

that calls carry_out(family) for each, wherever it likes; somebody's own is an import path. What
carry_out is given and returns can be pickled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from helpers import lookup
from helpers.errors import AlignDriftError
from helpers.experiments.experiment import Experiment

ENGINES = {
    "local": "helpers.runs.engines.cores:carry_out_all",
}


class RunFailed(AlignDriftError):
    """A run that stopped by an error which nobody raised on purpose."""


class WorkerLost(AlignDriftError):
    """A run whose process was killed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run: stored, or the error that stopped it."""

    run_id: str
    error: AlignDriftError | None = None


Family = Sequence[Experiment]
CarryOut = Callable[[Family], list[Outcome]]
Engine = Callable[[Sequence[Family], CarryOut, int], Iterator[list[Outcome]]]


def engine_named(name: str) -> Engine:
    """An engine by name or import path. Raises ConfigError."""
    return lookup.resolve(name, ENGINES, "engine", callable)

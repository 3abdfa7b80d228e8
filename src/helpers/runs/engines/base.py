"""Engines: who carries out many runs. Families of runs go in, results and failures come out.

A family is a list of experiments that one training serves. An engine is a function

    engine(families, carry_out, jobs) -> iterator of lists of Outcome

that calls carry_out(family) for each, wherever it likes: `jobs` at once, or as many as there is
room for if that is 0. Somebody's own is an import path. carry_out can be pickled, and so can what
it is given and returns.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from helpers import lookup
from helpers.errors import AlignDriftError
from helpers.experiments.experiment import Experiment

#: Names the engine where nothing else does: also of grids that a notebook's kernel carries out.
VARIABLE = "ALIGNDRIFT_ENGINE"

ENGINES = {
    "local": "helpers.runs.engines.cores:carry_out_all",
    "ray": "helpers.runs.engines.ray:carry_out_all",
}


class RunFailed(AlignDriftError):
    """A run that stopped by an error which nobody raised on purpose."""


class WorkerLost(AlignDriftError):
    """A run whose process was killed."""


class TakenElsewhere(AlignDriftError):
    """A run that another process is computing; it is asked for once more when all else is done."""


@dataclass(frozen=True)
class Outcome:
    """What became of a run: stored, or the error that stopped it.

    run: the finished run itself (runs.store.Run), where it is stored on another disk than ours.
    """

    run_id: str
    error: AlignDriftError | None = None
    run: Any = None


Family = Sequence[Experiment]
CarryOut = Callable[[Family], list[Outcome]]
Engine = Callable[[Sequence[Family], CarryOut, int], Iterator[list[Outcome]]]


def engine_named(name: str) -> Engine:
    """An engine by name or import path; if empty, ALIGNDRIFT_ENGINE's, else local.

    Raises ConfigError.
    """
    name = name or os.environ.get(VARIABLE, "").strip() or "local"
    return lookup.resolve(name, ENGINES, "engine", callable)

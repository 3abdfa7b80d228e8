"""One process a core, by joblib; each runs one family at a time on one thread.

A model of a million parameters gains nothing from more threads.
"""

import warnings
from collections.abc import Iterator, Sequence

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from helpers.experiments.identity import run_id
from helpers.runs.engines.base import CarryOut, Family, Outcome, WorkerLost


def carry_out_all(
    families: Sequence[Family], carry_out: CarryOut, jobs: int
) -> Iterator[list[Outcome]]:
    """Each family's outcomes as they come; jobs: how many processes."""
    if not families:
        return
    pending = {run_id(experiment) for family in families for experiment in family}
    # joblib renews a worker whose memory grew since its first run; nothing is lost by it.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
    pool = Parallel(n_jobs=jobs, return_as="generator_unordered")
    try:
        for outcomes in pool(delayed(_on_one_thread)(carry_out, family) for family in families):
            pending -= {outcome.run_id for outcome in outcomes}
            yield outcomes
    except TerminatedWorkerError:
        lost = WorkerLost("its worker was killed, perhaps for want of memory; use fewer jobs.")
        yield [Outcome(id, lost) for id in sorted(pending)]


def _on_one_thread(carry_out: CarryOut, family: Family) -> list[Outcome]:
    import torch  # here, so that a grid that is all stored is read in a moment

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return carry_out(family)
    finally:
        torch.set_num_threads(threads)

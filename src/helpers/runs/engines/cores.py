"""One process a core, each with one family at a time on one thread.

A model of a million parameters gains nothing from more threads. Every worker is a pool of one
(joblib's loky), so a worker that is killed costs its own family alone and is replaced. Workers wait
warm for the next grid, and end within seconds of this process, however that ends.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor

from helpers.experiments.identity import run_id
from helpers.runs.engines import worker
from helpers.runs.engines.base import CarryOut, Family, Outcome, WorkerLost

#: Most workers a core: they wait for little, so more would only take memory.
A_CORE = 2

#: Seconds that a worker waits for a next family before it ends.
WARM = 300

_LOST = WorkerLost("its worker was killed, perhaps for want of memory; use fewer jobs.")

#: Workers that nobody uses now.
_warm: list[ProcessPoolExecutor] = []


def carry_out_all(
    families: Sequence[Family], carry_out: CarryOut, jobs: int
) -> Iterator[list[Outcome]]:
    """Each family's outcomes as they come.

    jobs: how many processes, of which no more are started than there are families, nor than A_CORE
    a core; 0 for one a core. One is this process.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        for family in families:
            yield _on_one_thread(carry_out, family)
        return
    todo, under_way = deque(families), {}
    workers = [_worker() for _ in range(min(jobs, len(families), A_CORE * cpu_count()))]
    free = list(workers)
    try:
        while todo or under_way:
            while todo and free:
                one = free.pop()
                try:
                    with _no_ctrl_c():
                        future = one.submit(_on_one_thread, carry_out, todo[0])
                    under_way[future] = one, todo.popleft()
                except BrokenProcessPool:  # killed while it was free
                    free.append(_replaced(one, workers))
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                one, family = under_way.pop(future)
                try:
                    outcomes = future.result()
                except BrokenProcessPool:
                    outcomes = [Outcome(run_id(each), _LOST) for each in family]
                    one = _replaced(one, workers)
                free.append(one)
                yield outcomes
    finally:  # who stops a grid wants those that work to stop
        for one in workers:
            _warm.append(one) if one in free else one.shutdown(kill_workers=True)


@contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """What is started meanwhile never hears of Ctrl-C; this process does, right after."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _replaced(one: ProcessPoolExecutor, workers: list[ProcessPoolExecutor]) -> ProcessPoolExecutor:
    """Another worker in the place of one that was killed."""
    other = workers[workers.index(one)] = _worker()
    one.shutdown()
    return other


def _worker() -> ProcessPoolExecutor:
    """A worker that is free: a warm one, or a new one, whose process starts with its first work."""
    if _warm:
        return _warm.pop()
    return ProcessPoolExecutor(
        1, timeout=WARM, initializer=worker.end_with, initargs=(os.getpid(),),
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


def _on_one_thread(carry_out: CarryOut, family: Family) -> list[Outcome]:
    import torch  # here, so that a grid that is all stored is read in a moment

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return carry_out(family)
    finally:
        torch.set_num_threads(threads)

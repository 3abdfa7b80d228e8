"""Threads of this process: for runs at a provider, which does the work."""

from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from helpers.runs.engines.base import CarryOut, Family, Outcome

#: Runs that are under way at a provider at once.
AT_ONCE = 3


def carry_out_all(
    families: Sequence[Family], carry_out: CarryOut, jobs: int = AT_ONCE
) -> Iterator[list[Outcome]]:
    """Each family's outcomes as they come; jobs: how many threads, at most one a family.

    They do not outlive the process: who stops a grid does not wait for a provider.
    """
    todo: SimpleQueue[Family] = SimpleQueue()
    arrivals: SimpleQueue[list[Outcome] | BaseException] = SimpleQueue()
    stopped = Event()
    for family in families:
        todo.put(family)

    def work() -> None:
        while not stopped.is_set():
            try:
                arrivals.put(carry_out(todo.get_nowait()))
            except Empty:
                return
            except BaseException as error:  # raised where the outcomes are waited for
                arrivals.put(error)

    for _ in range(min(jobs, len(families))):
        Thread(target=work, daemon=True).start()
    try:
        for _ in families:
            outcomes = arrivals.get()
            if isinstance(outcomes, BaseException):
                raise outcomes
            yield outcomes
    finally:
        stopped.set()

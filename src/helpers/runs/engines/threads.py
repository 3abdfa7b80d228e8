"""Threads of this process: for runs at a provider, which does the work."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from helpers.runs.engines.base import CarryOut, Family, Outcome

#: Runs that are under way at a provider at once.
AT_ONCE = 3


def carry_out_all(
    families: Sequence[Family], carry_out: CarryOut, jobs: int = AT_ONCE
) -> Iterator[list[Outcome]]:
    """Each family's outcomes as they come; jobs: how many threads."""
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(carry_out, family) for family in families]
        for future in as_completed(futures):
            yield future.result()
    finally:  # who stops a grid does not want the jobs that have not begun
        pool.shutdown(cancel_futures=True)

"""Waiting for a job or batch: patiently while it moves, and not for ever when it does not.

>>> waiting = Waiting("job ftjob-9")
>>> for _ in polls():
...     waiting.saw(status, n_done)        # raises HostedError once neither has changed for long
"""

import time
from collections.abc import Iterator

from helpers.hosted.client import HostedError
from helpers.hosted.variables import number

#: Seconds between two questions after a job or batch: at first, and at most.
POLL = (0.1, 10.0)

#: Holds after how many minutes without a change of status, count or event a wait ends.
PATIENCE = "ALIGNDRIFT_PATIENCE"
MINUTES = 60.0


def polls() -> Iterator[None]:
    """Without end, after longer and longer pauses: when to ask again how far a job is."""
    pause = POLL[0]
    while True:
        yield
        time.sleep(pause)
        pause = min(POLL[1], pause * 1.15)


class Waiting:
    """What was last seen of something at a provider, and when it last was something else."""

    def __init__(self, what: str) -> None:
        self._what, self._seen, self._since = what, None, time.monotonic()
        self._minutes = number(PATIENCE, MINUTES, "a number of minutes, such as 60")

    def saw(self, status: str, *more: object) -> None:
        """Raises HostedError where nothing has changed for as long as PATIENCE says."""
        if (status, *more) != self._seen:
            self._seen, self._since = (status, *more), time.monotonic()
        elif time.monotonic() - self._since > 60 * self._minutes:
            raise HostedError(
                f"the provider's {self._what} is {status} and has not moved for "
                f"{self._minutes:g} minutes; it is kept: start again to go on waiting for it, or "
                f"set {PATIENCE} to more minutes.",
                may_pass=True,
            )

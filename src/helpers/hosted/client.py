"""Calls to an OpenAI-compatible provider that end well or say in one sentence why not.

What may pass (429, 5xx, time-outs, cut connections, replies of the wrong shape) is tried again, at
most ATTEMPTS times, after the pause that the provider asks for; what will not pass (a wrong key, an
exhausted quota, an unknown model) stops at once. What costs money by being made is looked for
before it is made again, since a reply that was lost does not say whether the work was done.

>>> client = connect("embedded")
>>> call(client.models.list)
>>> make(lambda: client.batches.create(...), lambda: a_batch_of_mine(client))
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

import openai
from tqdm.auto import tqdm

from helpers.errors import AlignDriftError
from helpers.hosted.providers.base import keys, provider
from helpers.hosted.replies import Malformed
from helpers.text import whole

ATTEMPTS = 6
MALFORMED = 3  # of them, replies of the wrong shape: each may have been paid for
LONGEST_PAUSE = 60.0  # seconds
TIMEOUT = 120.0  # seconds for one request
LONGEST_REASON = 200  # characters

#: Requests under way at once; and what a thread says that has no more to send.
CONCURRENCY, END = 16, -1


class HostedError(AlignDriftError):
    """A provider refuses, fails or cannot be reached. may_pass: whether later may be better."""

    def __init__(self, message: str, may_pass: bool = False) -> None:
        super().__init__(message, may_pass)
        self.may_pass = may_pass

    def __str__(self) -> str:
        return str(self.args[0])


class NotThere(HostedError):
    """The provider does not know what was asked for."""


def connect(name: str) -> openai.OpenAI:
    """A client for the provider. Raises ConfigError where its address or key is not known."""
    return _client(*provider(name).connection(), TIMEOUT)


@lru_cache(maxsize=8)
def _client(address: str, key: str, timeout: float) -> openai.OpenAI:
    # Attempts are counted here, not in the client: it would try again what cannot pass.
    return openai.OpenAI(base_url=address, api_key=key, max_retries=0, timeout=timeout)


def call(function: Callable, *args, **options):
    """The function's result, tried again while what goes wrong may pass. Raises HostedError."""
    malformed = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return function(*args, **options)
        except (openai.APIError, Malformed, json.JSONDecodeError, RecursionError) as error:
            malformed += not isinstance(error, openai.APIError)
            if attempt == ATTEMPTS or malformed == MALFORMED or not _may_pass(error):
                kind = NotThere if isinstance(error, openai.NotFoundError) else HostedError
                raise kind(_sentence(error, attempt), _may_pass(error)) from None
            time.sleep(pause(error, attempt))
    raise AssertionError("unreachable")


def make(create: Callable, find: Callable):
    """What create makes at the provider, made once: find looks for it before each attempt.

    find: returns it, or None. Raises HostedError.
    """

    def found_or_made():
        try:
            found = call(find)
        except NotThere:  # a provider that keeps no such list
            found = None
        return found or create()

    return call(found_or_made)


def is_there(retrieve: Callable, id: str) -> bool:
    """Whether the provider knows the job or batch that retrieve asks for. Raises HostedError."""
    try:
        call(retrieve, id)
    except NotThere:
        return False
    return True


def _may_pass(error: Exception) -> bool:
    if isinstance(error, openai.RateLimitError):
        return "quota" not in f"{error.code} {error}".lower()
    if isinstance(error, openai.APIStatusError):
        return error.status_code >= 500 or error.status_code in (408, 409)
    return True


def pause(error: Exception, attempt: int) -> float:
    """Seconds until the next try: what the provider asks for, else longer each time, by chance."""
    response = getattr(error, "response", None)
    retry_after = response.headers.get("retry-after", "") if response is not None else ""
    try:
        return min(LONGEST_PAUSE, max(0.0, float(retry_after)))
    except ValueError:
        return min(LONGEST_PAUSE, 0.25 * 2**attempt) * random.uniform(0.75, 1.25)


def without_keys(text: object) -> str:
    """What a provider said, as it may be shown and stored: one line, not long, without our keys."""
    line = " ".join(whole(str(text)).split())
    for key in keys():
        line = line.replace(key, "...")
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}..."


def _sentence(error: Exception, attempt: int) -> str:
    """One sentence: what went wrong and what to do."""
    body = getattr(error, "body", None)
    reason = without_keys((isinstance(body, dict) and body.get("message")) or error)
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return f"the provider does not accept the key ({reason}); set the right one."
    if isinstance(error, openai.NotFoundError):
        return f"the provider does not know what was asked for ({reason}); check the model's name."
    if isinstance(error, openai.RateLimitError) and not _may_pass(error):
        return f"the quota is exhausted ({reason}); add credit, then start again: it goes on."
    if isinstance(error, openai.APIStatusError) and not _may_pass(error):
        return f"the provider refuses the request: {reason}"
    return f"{attempt} attempts failed, the last with: {reason}; start again later: it goes on."


def call_each(
    function: Callable, items: Sequence, what: str, progress: bool = False, pace: float = 0.0
) -> Iterator[tuple[int, object]]:
    """(number, call(function, item)) of each item as it comes, CONCURRENCY at a time.

    pace: at most so many requests a minute; 0 for no limit. The first error is raised after what
    was under way has come. Who stops waiting, by Ctrl-C say, need not wait for what is under way.
    """
    turn, stopped = _Turn(pace), Event()
    todo: SimpleQueue[tuple[int, object]] = SimpleQueue()
    arrivals: SimpleQueue[tuple[int, object, BaseException | None]] = SimpleQueue()
    for n, item in enumerate(items):
        todo.put((n, item))

    def work() -> None:
        while not stopped.is_set():
            try:
                n, item = todo.get_nowait()
            except Empty:
                break
            turn.wait()
            if stopped.is_set():
                break
            try:
                arrivals.put((n, call(function, item), None))
            except BaseException as error:  # raised where the results are waited for
                arrivals.put((n, None, error))
        arrivals.put((END, None, None))

    failed, workers = None, min(CONCURRENCY, len(items))
    for _ in range(workers):
        Thread(target=work, daemon=True).start()
    try:
        with tqdm(total=len(items), desc=what, unit="prompt", disable=not progress) as bar:
            while workers:
                n, result, error = arrivals.get()
                if n == END:
                    workers -= 1
                elif error is None:
                    bar.update()
                    yield n, result
                else:
                    failed = failed or error
                    stopped.set()
    finally:
        stopped.set()
    if failed is not None:
        raise failed


class _Turn:
    """Spreads requests over time."""

    def __init__(self, a_minute: float) -> None:
        self._gap = 60.0 / a_minute if a_minute else 0.0
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            at = max(self._next, time.monotonic())
            self._next = at + self._gap
        time.sleep(max(0.0, at - time.monotonic()))

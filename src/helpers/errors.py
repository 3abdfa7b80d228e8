"""Errors that a person can act on: each message says what is wrong and what to do."""

import difflib
from collections.abc import Iterable


class AlignDriftError(Exception):
    """The parent of every error that the package raises on purpose."""


class ConfigError(AlignDriftError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class CostError(ConfigError):
    """More dollars would be spent than are allowed: `cost` of them, at most."""

    def __init__(self, message: str, cost: float) -> None:
        super().__init__(message, cost)  # both, so that it crosses from one process to another
        self.cost = cost

    def __str__(self) -> str:
        return str(self.args[0])


class DataError(AlignDriftError, ValueError):
    """A data file cannot be read or does not hold what it should."""


class ModelError(AlignDriftError):
    """A model folder cannot be loaded or lacks what an experiment needs."""


class StoreError(AlignDriftError):
    """A result cannot be stored or read."""


def one_of(value: str, allowed: Iterable[str], what: str) -> str:
    """The value, if it is allowed; else a ConfigError that names the nearest one."""
    allowed = list(allowed)
    if value in allowed:
        return value
    near = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ConfigError(f"unknown {what} {value!r}{hint}; choose one of: {', '.join(allowed)}.")

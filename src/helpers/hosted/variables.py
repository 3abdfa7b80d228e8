"""Numbers that a person sets in the environment: finite, not negative, or told."""

import math
import os

from helpers.errors import ConfigError


def number(name: str, default: float, what: str) -> float:
    """The variable's number; the default where it is not set or blank. Raises ConfigError.

    what: such as "a number of minutes".
    """
    text = os.environ.get(name, "").strip()
    return numbers(name, text, 1, what)[0] if text else default


def numbers(name: str, text: str, n: int, what: str) -> tuple[float, ...]:
    """The n numbers, separated by commas, that a variable's text holds. Raises ConfigError."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != n or not all(map(is_amount, values)):
        raise ConfigError(f"{name} is {text[:40]!r}; write {what}, finite and not negative.")
    return values


def is_amount(value: object) -> bool:
    """Whether it is a number of something: finite and not negative; true and false are none."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value >= 0
    )

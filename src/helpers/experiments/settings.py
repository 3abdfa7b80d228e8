"""What a setting of an experiment is, declared once beside its name, type and default.

From a declaration follow its check, whether the initial run resets it, whether training is given
it, whether it enters the run's id, and the command's option with its help. A field of Experiment
that is not declared so cannot be made: `setting` is the only way to give it a default.
"""

import dataclasses
import math
import types
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass
from typing import Any

from helpers.errors import ConfigError, one_of

#: The parts of an experiment, as the command's help groups its options.
DATA, TRAINING, PROVIDER, PROMPTS, ANSWERS = (
    "What is trained on", "How it is trained", "At a provider", "What is asked",
    "How it is answered and judged",
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What is declared of a setting.

    help: one line for a person. part: one of the five above. training: whether it belongs to
    training, so that the initial run, which has none, resets it to `initial`. least: the smallest
    value. check: raises ConfigError for a value that cannot be, and names what can. option: the
    command's option, if it is not the name with dashes. counts: whether it changes what comes out,
    given the experiment; what does not is left out of the id. content: what kind of thing the value
    names, where its content decides ("model", "training", "prompts", "judges", "provider",
    "mitigation", "attack", "method"); helpers.experiments.identity knows each. same_as: value ->
    another one that gives the same words.
    """

    help: str
    part: str
    training: bool = False
    initial: Any = None
    least: float | None = None
    check: Callable[[str], Any] | None = None
    option: str = ""
    counts: Callable[[Any], bool] = lambda experiment: True
    content: str = ""
    same_as: dict[str, str] = dataclasses.field(default_factory=dict)


def setting(default: Any, help: str, part: str, **declared: Any) -> Any:
    """A dataclass field with its default and what is declared of it."""
    declared.setdefault("initial", default)
    return dataclasses.field(
        default=default, metadata={"setting": Setting(help, part, **declared)}
    )  # fmt: skip


def declaration(field: dataclasses.Field) -> Setting:
    """What is declared of a field. Raises TypeError for one that is not declared."""
    if "setting" not in field.metadata or field.default is MISSING:
        raise TypeError(f"{field.name} must be declared by helpers.experiments.settings.setting.")
    return field.metadata["setting"]


def among(allowed: Iterable[str], what: str) -> Callable[[str], Any]:
    """A check that a value is one of these names."""
    return lambda value: one_of(value, allowed, what)


def template(name: str) -> Callable[[str], Any]:
    """A check that a text holds the place for the user's words; empty is another matter."""

    def check(value: str) -> None:
        if value and "{user}" not in value:
            raise ConfigError(f'{name} must hold "{{user}}", where the user\'s words go.')

    return check


def checked(field: dataclasses.Field, value: Any) -> Any:
    """The value if it is of the field's type and within its bounds; else a ConfigError."""
    declared, kind = declaration(field), field.type
    if isinstance(kind, types.GenericAlias):  # a tuple of names
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise ConfigError(f"{field.name} must be a list of names, not {value!r}.")
        value = tuple(value)
        if len(set(value)) < len(value):
            raise ConfigError(f"{field.name} must name each thing once, not {list(value)}.")
    elif kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        hint = ""
        if kind is float and isinstance(value, str):
            hint = " (YAML reads 2e-5 as text; write 2.0e-5)"
        raise ConfigError(f"{field.name} must be {_KINDS[kind]}, not {value!r}{hint}.")
    if kind is float and not math.isfinite(value):
        raise ConfigError(f"{field.name} must be finite, not {value}.")
    if kind is int and abs(value) >= 1 << 63:  # what no generator is seeded with, no table holds
        raise ConfigError(f"{field.name} must be less than 2**63, not {value}.")
    if declared.least is not None and value < declared.least:
        raise ConfigError(f"{field.name} must be at least {declared.least}, not {value}.")
    if declared.check:
        for one in value if isinstance(value, tuple) else (value,):
            declared.check(one)
    return value


_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}

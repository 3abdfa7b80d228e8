"""What acts on a training by a name with options: `lisa:rho=0.1,k=2`.

Somebody's own goes by import path, `my_module:MyMitigation:strength=0.5`. What attacks
(helpers.attacks) and what defends (helpers.mitigations) are named alike.

>>> split("lisa:rho=0.1,k=2")
('lisa', {'rho': '0.1', 'k': '2'})
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from helpers.errors import ConfigError, one_of
from helpers.training.hooks import Hooks


class WithOptions(Hooks):
    """Hooks whose options are attributes.

    OPTIONS: name -> default, whose type an option must have. NAMES: of those that name a thing,
    what it is: "training" (a dataset) or "model". KIND: what one with such options is called.
    """

    OPTIONS: ClassVar[Mapping[str, float | int | str | bool]] = {}
    NAMES: ClassVar[Mapping[str, str]] = {}
    KIND: ClassVar[str] = ""

    def __init__(self, **options: Any) -> None:
        for name in options:
            if not self.OPTIONS:
                raise ConfigError(
                    f"{self.KIND} {type(self).__name__} takes no options, not {name}."
                )
            one_of(name, self.OPTIONS, f"option of {type(self).__name__}")
        for name, default in self.OPTIONS.items():
            setattr(self, name, _typed(name, options.get(name, default), default))

    @property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return {name: getattr(self, name) for name in self.OPTIONS}

    def spelled(self, name: str) -> str:
        """The shortest text that names it so: its options, but for those at their defaults."""
        own = [
            f"{key}={value}" for key, value in self.options.items() if value != self.OPTIONS[key]
        ]
        return f"{name}:{','.join(own)}" if own else name


def split(text: str) -> tuple[str, dict[str, str]]:
    """The name, and the options as they are written. Raises ConfigError for what is no option."""
    name, _, last = text.rpartition(":")
    if "=" not in last:
        return text, {}
    pairs = [part.partition("=") for part in last.split(",")]
    options = {key.strip(): value.strip() for key, _, value in pairs}
    if len(options) < len(pairs) or not all(key and equals for key, equals, _ in pairs):
        raise ConfigError(f"{text}: write NAME:option=value,option=value, each once.")
    return name, options


def _typed(name: str, value: Any, default: Any) -> Any:
    """An option's value in the type of its default."""
    try:
        if isinstance(default, bool):  # bool("no") would be True
            return {"true": True, "false": False}[str(value).lower()]
        number = type(default)(value)
        if isinstance(number, float) and not math.isfinite(number):
            raise ValueError
        return number
    except (KeyError, ValueError):
        kind = {float: "a number", int: "a whole number"}.get(type(default), "true or false")
        raise ConfigError(f"option {name} must be {kind}, not {value!r}.") from None

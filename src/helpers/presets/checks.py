"""What the parts of a preset file may be: each fault is one sentence that names its key.

The values of settings are checked where they are declared (helpers.experiments.settings); here
stands what holds them: names, lists and dicts.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from helpers.errors import ConfigError, one_of
from helpers.experiments.experiment import TIERS, Experiment
from helpers.experiments.settings import checked
from helpers.lookup import check as named
from helpers.training.methods.base import METHODS

_DECLARED = {field.name: field for field in dataclasses.fields(Experiment)}
FIELDS = tuple(_DECLARED)
#: What a preset may say for all its experiments: any setting but the tier and the seed.
COMMON = tuple(name for name in FIELDS if name not in ("tier", "seed"))

#: What a preset file may hold.
KEYS = ("preset", "extends", "seeds", "tiers", "grids", "vram_gib", "gated", *COMMON)
_GRID_KEYS = ("tier", "like", "n_seeds", "seeds", "vary", "fixed")


def check(raw: dict[str, Any], file: str) -> None:
    """Raises ConfigError for the first part of a preset that is unknown or of the wrong kind."""
    where = f"preset {file}"
    _names(raw, KEYS, f"setting in {where}")
    for name in ("preset", "extends"):
        if name in raw and not (isinstance(raw[name], str) and raw[name].strip()):
            raise ConfigError(f"{where}: {name} must be a name, not {raw[name]!r}.")
    if "seeds" in raw:
        _seeds(raw["seeds"], f"{where}: seeds")
    _values(raw, COMMON, where)
    memory = raw.get("vram_gib", 0)
    if not isinstance(memory, int | float) or isinstance(memory, bool) or memory < 0:
        raise ConfigError(f"{where}: vram_gib must be a number of GiB, not {memory!r}.")
    if not isinstance(raw.get("gated", False), bool):
        raise ConfigError(f"{where}: gated must be true or false, not {raw['gated']!r}.")
    for name, own in _dict(raw, "tiers", where).items():
        one_of(name, TIERS, f"tier in {where}")
        if own is not None:  # null: the preset does without it
            _tier(_dict({name: own}, name, f"{where}, tiers"), f"tier {name} in {file}")
    for name, own in _dict(raw, "grids", where).items():
        if not isinstance(name, str):
            raise ConfigError(f"{where}, grids: {name!r} is no name of a grid; put it in quotes.")
        if own is not None:  # null: the preset does without it
            _grid(_dict({name: own}, name, f"{where}, grids"), f"grid {name} in {file}")


@contextmanager
def placed(where: str) -> Iterator[None]:
    """What a setting cannot be is told with the place."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _tier(own: dict[str, Any], where: str) -> None:
    _names(own, (*FIELDS, "methods", "n_seeds"), f"setting of {where}")
    _values(own, FIELDS, where)
    if "n_seeds" in own:
        _count(own["n_seeds"], f"{where}: n_seeds")
    by_method = _dict(own, "methods", where)
    for method in by_method:
        named(str(method), METHODS, f"method of {where}")
        settings = _dict(by_method, method, f"{where}, methods")
        _names(settings, FIELDS, f"setting of method {method} of {where}")
        _values(settings, FIELDS, f"{where}, method {method}")


def _values(holder: dict[str, Any], names: Iterable[str], where: str) -> None:
    """Raises ConfigError for a value that its setting cannot have, even where another wins."""
    for name in names:
        if name in holder:
            with placed(where):
                checked(_DECLARED[name], holder[name])


def _grid(own: dict[str, Any], where: str) -> None:
    _names(own, _GRID_KEYS, f"entry of {where}")
    for key in ("tier", "like"):
        if key in own:
            one_of(own[key], TIERS, f"{key} of {where}")
    if "seeds" in own:
        _seeds(own["seeds"], f"{where}: seeds")
    if "n_seeds" in own:
        _count(own["n_seeds"], f"{where}: n_seeds")
    for part in ("vary", "fixed"):
        _names(_dict(own, part, where), FIELDS, f"setting of {where}")
    for name, values in own.get("vary", {}).items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{where}: vary: {name} must be a list of values, not {values!r}.")


def _dict(holder: dict[str, Any], key: str, where: str) -> dict[Any, Any]:
    """What the key holds, {} where there is no such key. Raises ConfigError for no dict."""
    own = holder.get(key, {})
    if not isinstance(own, dict):
        raise ConfigError(f"{where}: {key} must hold `name: value` pairs, not {own!r}.")
    return own


def _names(names: Iterable[Any], allowed: Iterable[str], what: str) -> Iterable[Any]:
    for name in names:
        one_of(name, allowed, what)
    return names


def _seeds(seeds: Any, where: str) -> None:
    whole = isinstance(seeds, list) and all(type(s) is int and 0 <= s < 1 << 63 for s in seeds)
    if not seeds or not whole:
        raise ConfigError(f"{where} must be a list of whole numbers from 0 on, not {seeds!r}.")
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"{where} must name each seed once, not {seeds}.")


def _count(value: Any, where: str) -> None:
    if type(value) is not int or value < 1:
        raise ConfigError(f"{where} must be a whole number from 1 on, not {value!r}.")

"""Presets: everything a notebook or command needs to know, in one commented YAML file.

A preset names a model, seeds, judges and, tier by tier, the settings of fine-tuning. It is
ready for papermill (`-f`), and its path can be given wherever its name can. `extends` takes
over another preset's settings.

>>> tiny = load("tiny")
>>> tiny.experiment("harmful_examples", n_examples=10, seed=11)   # -> Experiment

Used by: cli, grid files; every notebook.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers import paths
from helpers.errors import ConfigError, one_of
from helpers.experiment import Experiment

FOLDER = Path(__file__).parent / "presets"

_KEYS = {
    "preset", "extends", "model", "seeds", "n_prompts", "max_new_tokens", "judges", "tiers",
    "benchmark", "over_refusal", "utility",
}  # fmt: skip
_FIELDS = {field.name for field in dataclasses.fields(Experiment)}


def names() -> list[str]:
    """The presets that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Preset:
    """A loaded preset: `settings` of every experiment, `tiers` with each tier's own, `seeds`."""

    name: str
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    tiers: dict[str, dict[str, Any]]

    def experiment(self, tier: str, **changes: Any) -> Experiment:
        """The tier's experiment with some fields changed.

        What belongs to a method (learning rate, rank) follows the method. Raises ConfigError
        for an unknown tier or field, or a value of the wrong type.
        """
        for name in changes:
            one_of(name, _FIELDS, "setting")
        own = dict(self.tiers[one_of(tier, self.tiers, "tier")])
        by_method = own.pop("methods", {})
        method = changes.get("method", own.get("method", "full"))
        own |= by_method.get(method, {})
        return Experiment(**(self.settings | own | {"tier": tier} | changes))


def load(name: str) -> Preset:
    """A preset by name or by the path of a YAML file. Raises ConfigError for what it cannot be."""
    raw = _read(name)
    seeds = raw.get("seeds")
    if not isinstance(seeds, list) or not seeds or not all(type(s) is int for s in seeds):
        raise ConfigError(f"preset {name}: seeds must be a list of whole numbers, not {seeds!r}.")
    known = _KEYS - {"preset", "extends", "seeds", "tiers"}
    settings = {key: raw[key] for key in known if key in raw}
    preset = Preset(raw.get("preset", name), tuple(seeds), settings, raw.get("tiers", {}))
    for tier in preset.tiers:
        preset.experiment(tier)
    return preset


def _read(name: str) -> dict[str, Any]:
    if str(name).endswith((".yaml", ".yml")):
        file = paths.find(name)
        if not file.is_file():
            raise ConfigError(f"preset file {name} is not there; give the path of one that exists.")
    else:
        file = FOLDER / f"{one_of(str(name), names(), 'preset')}.yaml"
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"preset {file.name} is not valid YAML: {reason}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"preset {file.name} must hold settings, one `name: value` a line.")
    for key in raw:
        one_of(str(key), _KEYS, f"setting in preset {file.name}")
    for tier, own in raw.get("tiers", {}).items():
        for key in own:
            one_of(str(key), _FIELDS | {"methods"}, f"setting of tier {tier} in {file.name}")
    parent = _read(raw["extends"]) if "extends" in raw else {}
    tiers = parent.get("tiers", {})
    merged = {
        t: tiers.get(t, {}) | raw.get("tiers", {}).get(t, {}) for t in tiers | raw.get("tiers", {})
    }
    return parent | raw | {"tiers": merged}

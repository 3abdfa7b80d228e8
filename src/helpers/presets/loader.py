"""Presets: everything a notebook or command needs to know, in one commented YAML file.

A preset names a model, seeds, judges and, tier by tier, the settings of fine-tuning; its grids
name the sweeps behind each table of the paper. It is ready for papermill (`-f`), and its path can
be given wherever its name can. `extends` takes over another preset's settings; a path there is
looked for beside the file that names it, too.

>>> tiny = load("tiny")
>>> tiny.experiment("harmful_examples", n_examples=10, seed=11)   # -> Experiment
>>> tiny.grid("identity_epochs")                                  # -> Experiments, all seeds
"""

import dataclasses
import hashlib
import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.errors import ConfigError, one_of
from helpers.experiments.experiment import Experiment
from helpers.presets import checks
from helpers.settings_file import read_yaml

FOLDER = Path(__file__).parent

#: Most combinations of a grid: more are a slip.
LARGEST_GRID = 100_000

#: What a preset may be called.
_PLAIN = re.compile(r"[^\W_][\w .=-]{0,99}")


def names() -> list[str]:
    """The presets that come with the package."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Preset:
    """A loaded preset: what is `common` to every experiment, `tiers` with each tier's own, `seeds`.

    name: a folder of outputs/ has it, which no other settings share: one that ships has its plain
    name, any other a digest behind it, and behind that what a notebook was told beside (`told`).
    vram_gib: GPU memory that its default method needs; 0 where a CPU will do. gated: whether the
    model's page on the hub must grant access first.
    """

    name: str
    seeds: tuple[int, ...]
    common: dict[str, Any]
    tiers: dict[str, dict[str, Any]]
    grids: dict[str, dict[str, Any]]
    vram_gib: float = 0
    gated: bool = False
    told: dict[str, Any] = dataclasses.field(default_factory=dict)

    def experiment(self, tier: str, like: str = "", **changes: Any) -> Experiment:
        """The tier's experiment with some fields changed.

        like: another tier, whose settings the tier's dataset is trained under. What belongs to a
        method (learning rate, rank) follows the method. Raises ConfigError for an unknown tier or
        field, or a value of the wrong type.
        """
        for name in changes:
            one_of(name, checks.FIELDS, "setting")
        own = dict(self.tiers[one_of(tier, self.tiers, "tier")])
        if like:
            own = self.tiers[one_of(like, self.tiers, "tier")] | {
                "dataset": own.get("dataset", Experiment.dataset)
            }
        own.pop("n_seeds", None)
        by_method = own.pop("methods", {})
        default = own.get("method", self.common.get("method", "full"))
        method = changes.get("method", default)
        own |= by_method.get(str(method), {})
        return Experiment(**(self.common | own | {"tier": tier} | changes))

    def using(
        self, model: str = "", benchmark: str = "", datasets: dict[str, str] | None = None
    ) -> "Preset":
        """The preset with a model, a benchmark and fine-tuning sets of one's own.

        datasets: tier -> a set, by name or path. What is empty stays as it is. Raises ConfigError
        for an unknown tier.
        """
        own = {"model": model, "benchmark": benchmark}
        tiers = dict(self.tiers)
        for tier, dataset in (datasets or {}).items():
            if dataset:
                tiers[tier] = tiers[one_of(tier, tiers, "tier")] | {"dataset": str(dataset)}
        common = self.common | {name: value for name, value in own.items() if value}
        return dataclasses.replace(self, common=common, tiers=tiers)

    def grid(
        self, name: str, seeds: Sequence[int] = (), vary: dict[str, list] | None = None, **fixed
    ) -> list[Experiment]:
        """The experiments of one of the preset's grids, under every seed.

        seeds: if empty, the grid's own, else the first n_seeds of the preset's, or all, and of
        each tier no more than its own n_seeds. vary: other lists for some of the grid's settings.
        fixed: settings that all its experiments share. Raises ConfigError.
        """
        own = self.grids[one_of(name, self.grids, "grid")]
        varied = own.get("vary", {}) | {k: v for k, v in (vary or {}).items() if v}
        varied = varied | {
            "seed": list(seeds or own.get("seeds") or self.seeds[: own.get("n_seeds")])
        }
        fixed = own.get("fixed", {}) | fixed
        every = combinations(self, own.get("tier"), varied, fixed, own.get("like", ""))
        if seeds or own.get("seeds"):
            return every
        most = {
            tier: self.seeds[: settings.get("n_seeds")] for tier, settings in self.tiers.items()
        }
        return [experiment for experiment in every if experiment.seed in most[experiment.tier]]


def combinations(
    preset: Preset,
    tier: str | None,
    vary: dict[str, list],
    fixed: dict[str, Any],
    like: str = "",
) -> list[Experiment]:
    """Every combination of the lists in vary; `tier` may be one of them. like: as in
    Preset.experiment. Raises ConfigError."""
    for key, values in vary.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"vary: {key} must be a list of values, not {values!r}.")
    size = math.prod(map(len, vary.values()))
    if size > LARGEST_GRID:
        raise ConfigError(f"vary asks for {size:,} experiments; at most {LARGEST_GRID:,} can be.")
    experiments = []
    for values in itertools.product(*vary.values()):
        changes = {"tier": tier or "harmful_examples"} | fixed
        changes |= dict(zip(vary, values, strict=True))
        experiments.append(preset.experiment(changes.pop("tier"), like=like, **changes))
    return experiments


def load(name: str) -> Preset:
    """A preset by name or by the path of a YAML file. Raises ConfigError for what it cannot be."""
    return _made(_read(name), f"preset {name}")


def of_settings(raw: dict[str, Any]) -> Preset:
    """The preset that a file of these settings would be. Raises ConfigError as load does."""
    checks.check(raw, "as given")
    return _made(_whole(raw, Path("preset")), "preset as given")


def _made(raw: dict[str, Any], where: str) -> Preset:
    for part in ("seeds", "tiers"):
        if not raw.get(part):
            raise ConfigError(f"{where}: {part} are missing; write them, or `extends: tiny`.")
    common = {key: raw[key] for key in checks.COMMON if key in raw}
    preset = Preset(
        _place(raw), tuple(raw["seeds"]), common,
        {name: tier for name, tier in raw["tiers"].items() if tier is not None},
        {name: grid for name, grid in raw.get("grids", {}).items() if grid is not None},
        raw.get("vram_gib", 0), raw.get("gated", False),
    )  # fmt: skip
    for tier in preset.tiers:
        with checks.placed(f"{where}, tier {tier}"):
            preset.experiment(tier)
    for grid in preset.grids:
        with checks.placed(f"{where}, grid {grid}"):
            preset.grid(grid)
    return preset


def _read(name: str, heirs: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The settings of a preset and of those that it extends. heirs: those that extend it."""
    file = _file(name, heirs[-1].parent if heirs else Path())
    if file in heirs:
        circle = " -> ".join(f.name for f in (*heirs[heirs.index(file) :], file))
        raise ConfigError(f"preset {file.name} extends itself ({circle}); leave out one `extends`.")
    return _whole(_parsed(file, file.stat().st_mtime_ns), file, heirs)


def _whole(raw: dict[str, Any], file: Path, heirs: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What a file says and what it takes over."""
    parent = _read(raw["extends"], (*heirs, file)) if "extends" in raw else {}
    merged: dict[str, Any] = {"preset": _name(raw.get("preset", file.stem), file)}
    for part in ("tiers", "grids"):  # each entry takes over the parent's and changes some of it
        merged[part] = _over(parent.get(part, {}), raw.get(part, {}))
    return parent | raw | merged


def _file(name: str, beside: Path) -> Path:
    """Where a preset lies; a path is looked for in a folder first. Raises ConfigError."""
    if isinstance(name, str) and name.lower().endswith((".yaml", ".yml")):
        file = next((f for f in (paths.find(beside / name), paths.find(name)) if f.exists()), None)
        if not file:
            raise ConfigError(f"preset file {name} is not there; give the path of one that exists.")
        return file.resolve()
    return FOLDER / f"{one_of(name, names(), 'preset')}.yaml"


def _place(raw: dict[str, Any]) -> str:
    """The name of a preset that ships, as it ships; of any other, with a digest of its settings."""
    name, own = raw["preset"], _digest(raw)
    shipped = name in names() and _digest(_read(name)) == own
    return name if shipped else f"{name}-{own}"


def _digest(raw: dict[str, Any]) -> str:
    """Six hex digits of what decides a preset's experiments."""
    parts = {key: raw.get(key) for key in ("seeds", "tiers", "grids", *checks.COMMON)}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:6]


def _name(text: str, file: Path) -> str:
    """What the preset is called. A path is called as its file.

    papermill gives the `preset` of a file to the notebook, which looks it up, so it may be a path.
    """
    name = Path(text).stem if text.lower().endswith((".yaml", ".yml")) else text
    if not _PLAIN.fullmatch(name):
        raise ConfigError(
            f"preset {file.name}: {text!r} is no name; write letters, digits, spaces and - . _ ="
        )
    return name


@lru_cache(maxsize=64)
def _parsed(file: Path, changed: int) -> dict[str, Any]:
    """The file's content, read once until it changes: tiny is the parent of most presets."""
    raw = read_yaml(file, "preset")
    checks.check(raw, file.name)
    return raw


def _over(theirs: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The parent's entries with one's own put over them, dicts within dicts likewise."""
    both = theirs | own
    for name in theirs.keys() & own.keys():
        if isinstance(theirs[name], dict) and isinstance(own[name], dict):
            both[name] = _over(theirs[name], own[name])
    return both

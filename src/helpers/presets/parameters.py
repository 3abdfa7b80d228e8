"""What a notebook is told: its parameters checked, and a folder of outputs/ for each set of them.

Parameters come from the notebook's own cell, edited in JupyterLab or not, from `aligndrift
notebooks -p` and from plain papermill, whose `-f` may be a preset file with all its settings. They
mean the same each way, and what they cannot be is told in the same words: papermill itself only
warns of a name that a notebook does not have, and makes text of a list.

>>> chosen = load(preset, globals())        # in a notebook, whoever executes it
>>> chosen.name                             # the folder of outputs/ that its figures go to
'tiny+shots-10-100-4f0c2a'
"""

import ast
import copy
import dataclasses
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from helpers import paths
from helpers.errors import ConfigError, one_of
from helpers.presets import checks, loader
from helpers.presets.loader import Preset

#: Every parameter that a notebook may have -> what it is if left alone.
PARAMETERS: dict[str, Any] = {
    "preset": "tiny", "model": "", "dataset": "", "datasets": {}, "benchmark": "", "shots": [],
    "methods": ["full", "lora"], "epochs": [], "tiers": [], "seeds": [], "development_seeds": [],
    "false_alarms": 0.1, "judges": [], "n_judged": 10, "mitigations": [],
    "real": "smollm2-archive", "rerun": False, "n_examples": 10, "seed": 21, "jobs": 0,
    "show_text": False,
}  # fmt: skip

#: What decides no result, or has named the folder already.
_ELSEWHERE = ("preset", "jobs")

#: What papermill adds by --inject-paths.
_OF_PAPERMILL = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")

#: The type that a parameter is annotated with -> what a value of it is.
_TYPES = {
    "int": int, "float": int | float, "str": str, "list": list, "dict": dict, "bool": bool,
}  # fmt: skip

#: The file in a folder of outputs/ that says what its notebooks were told.
RECORD = "parameters.json"


def load(preset: str, scope: dict[str, Any] | None = None) -> Preset:
    """The preset, by name or path; with scope, a notebook's globals(), what that notebook is told.

    Of a preset file that papermill has injected, all settings count; those that a parameter of the
    notebook shares its name with are set back in the scope, so that the preset decides them. Raises
    ConfigError for an unknown parameter, for one of another type, and as presets.loader.load.
    """
    if scope is None:
        return loader.load(preset)
    own, injected = _given(scope)
    check(own, {name: type(value).__name__ for name, value in PARAMETERS.items()})
    settings = _of_preset(injected, own)
    parameters = {name: value for name, value in injected.items() if name not in settings}
    check(parameters, {name: type(PARAMETERS[name]).__name__ for name in own})
    for name in settings.keys() & own.keys() - {"preset"}:
        scope[name] = own[name] = copy.copy(PARAMETERS[name])
    base = loader.of_settings(settings) if settings else loader.load(preset)
    told = differing(own | parameters)
    chosen = dataclasses.replace(base, name=place(base.name, told), told=told)
    _record(chosen, base.name)
    return chosen


def check(values: Mapping[str, Any], types: Mapping[str, str], where: str = "") -> None:
    """Raises ConfigError for a parameter that is not among types, or of another type.

    types: name -> its annotation. where: whose they are, such as " of 01_harmful_examples.ipynb".
    """
    for name, value in values.items():
        kind = types[one_of(name, types, f"parameter{where}")].split("[")[0]
        type_ = _TYPES.get(kind)
        if type_ and (not isinstance(value, type_) or (isinstance(value, bool) and kind != "bool")):
            hint = ""
            if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
                hint = f'; with papermill write -y "{name}: {value}", since -p makes text of it'
            raise ConfigError(f"{name}{where} must be of type {kind}, not {value!r}{hint}.")


def differing(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that are not as the notebooks have them, and change what comes out."""
    return {
        name: value
        for name, value in values.items()
        if name not in _ELSEWHERE and not (name in PARAMETERS and value == PARAMETERS[name])
    }


def place(preset: str, told: Mapping[str, Any]) -> str:
    """The folder of outputs/ of a preset and what differs: in words, and a digest of it."""
    if not told:
        return preset
    words = "+".join(f"{name}-{_word(value)}" for name, value in sorted(told.items()))
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:6]
    return f"{preset}+{words[:48].rstrip('-+.')}-{digest}"


def places() -> list[str]:
    """The folders of outputs/ in which executed notebooks lie."""
    return sorted(folder.parent.name for folder in paths.outputs().glob("*/notebooks"))


def recorded(folder: Path) -> dict[str, Any]:
    """What the notebooks of a folder were told: preset, parameters, settings, grids.

    Empty where nothing is recorded.
    """
    try:
        return json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}


def _word(value: Any) -> str:
    """A value as a part of a folder's name: of a path its last part, of a list its values."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return "-".join(map(_word, value))
    return re.sub(r"[^\w.]+", "-", PurePath(str(value)).name).strip("-.")[:20]


def _given(scope: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters that the notebook's own cell sets, and what papermill's injected cell sets.

    Both are read from the cells as they were executed, since later ones may use the same names.
    Where there is no IPython nothing can be injected, and the scope has the values.
    """
    own, injected = None, {}
    for source in executed():  # of a cell that was executed twice the last time counts
        values = _assigned(source, scope)
        if source.startswith("# Parameters\n"):  # as papermill begins its cell
            injected = {name: v for name, v in values.items() if name not in _OF_PAPERMILL}
        elif "preset" in values:
            own, injected = values, {}
    if own is None:
        return {name: scope[name] for name in PARAMETERS if name in scope}, {}
    return own, injected


def executed() -> list[str]:
    """The sources of the cells that this kernel has executed; none where it is no kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return list(shell.user_ns.get("In", ())) if shell else []


def _assigned(source: str, scope: dict[str, Any]) -> dict[str, Any]:
    """What a cell assigns: name -> value; a value that is no literal is taken from the scope."""
    try:
        lines = ast.parse(source).body
    except SyntaxError:  # such as %matplotlib
        return {}
    values = {}
    for line in lines:
        targets = getattr(line, "targets", [getattr(line, "target", None)])
        if isinstance(line, ast.Assign | ast.AnnAssign) and isinstance(targets[0], ast.Name):
            name = targets[0].id
            try:
                values[name] = ast.literal_eval(line.value)
            except (ValueError, TypeError):
                values[name] = scope.get(name)
    return values


def _of_preset(injected: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The settings of a preset file among what was injected; none where it is no such file."""
    whole = "extends" in injected or {"tiers", "seeds"} <= injected.keys()
    if not whole or not injected.keys() & set(checks.KEYS) - own.keys():
        return {}
    return {name: value for name, value in injected.items() if name in checks.KEYS}


def _record(preset: Preset, base: str) -> None:
    """Say in its folder what the notebooks were told; where nothing can be written, a run tells."""
    settings = {"seeds": preset.seeds, **preset.common, "tiers": preset.tiers}
    record = {"preset": base, "parameters": preset.told, "settings": settings}
    folder = paths.outputs() / preset.name
    aside = folder / f".{RECORD}-{os.getpid()}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(record | {"grids": preset.grids}, indent=1), encoding="utf-8")
        os.replace(aside, folder / RECORD)

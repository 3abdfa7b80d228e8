"""A run's id: a hash of what decides its words, and of nothing else.

In: every setting that counts, and the content of what settings name: a model's files, a dataset's,
the images that its rows name, a judge's weights, a provider's address. Out: how the work is done
(processes, micro_batch_size, gradient_checkpointing, batch), and what has no effect under the
other settings. It is computed without the network: what lies on a hub goes by its name.

>>> run_id(Experiment(n_examples=10, seed=7))
'harmful_examples-10-full-seed7-0a1b2c3d4e5f'
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, replace
from functools import cache, wraps
from pathlib import Path
from typing import Any

from helpers import digests, lookup, paths
from helpers.archive.shipped import DATASETS, MODELS
from helpers.attacks.base import attack
from helpers.data.rows import load
from helpers.data.sources import catalog
from helpers.experiments import effects
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import drawn
from helpers.experiments.settings import declaration
from helpers.hosted.providers.base import provider
from helpers.judging import registry
from helpers.mitigations.base import mitigation
from helpers.models import loading
from helpers.training.options import WithOptions, split

#: Raised when the engine changes in a way that changes numbers: old results are then not reused.
ENGINE = 2

#: Likewise, when weights of less than 32 bits learn in another way; those of 32 are left alone.
LOW_PRECISION = 2

#: Likewise, when files are read in another way; those of the Archive, under any name, never are.
READING = 2

#: What files and models were found to hold; None where every id looks again.
_seen: ContextVar[dict[tuple, str] | None] = ContextVar("seen", default=None)


@contextmanager
def looked_at_once() -> Iterator[None]:
    """For many ids: what settings name is looked at once, since nobody changes it meanwhile."""
    before = _seen.set({} if _seen.get() is None else _seen.get())
    try:
        yield
    finally:
        _seen.reset(before)


def _once(look: Callable[[str], str]) -> Callable[[str], str]:
    @wraps(look)
    def looked(name: str) -> str:
        seen = _seen.get()
        if seen is None:
            return look(name)
        if (look, name) not in seen:
            seen[look, name] = look(name)
        return seen[look, name]

    return looked


def run_id(experiment: Experiment) -> str:
    """A readable name that ends in the hash. Raises what reading a file or folder raises."""
    text = json.dumps(content(experiment), sort_keys=True)
    short = hashlib.sha256(text.encode()).hexdigest()[:12]
    if experiment.method == "none":
        return f"initial-{short}"
    name = experiment.method.replace(":", ".")
    if not effects.trains(experiment):
        return f"{name}-{short}"
    tier, n, seed = experiment.tier, experiment.n_examples, experiment.seed
    return f"{tier}-{n}-{name}-seed{seed}-{short}"


def content(experiment: Experiment) -> dict[str, Any]:
    """Setting -> what of it decides the run's words, for those that do.

    Settings at their defaults are left out, so that a new one does not make old ids new; what
    names a thing by default is there always, as the thing's content.
    """
    parts: dict[str, Any] = {"engine": ENGINE}
    if effects.trains_here(experiment) and experiment.dtype != "float32":
        parts["low_precision"] = LOW_PRECISION
    for field in fields(experiment):
        declared, value = declaration(field), getattr(experiment, field.name)
        if not declared.counts(experiment):
            continue
        value = declared.same_as.get(value, value) if declared.same_as else value
        if declared.content and (value or field.default):
            parts[field.name] = CONTENT[declared.content](experiment, value)
        elif value != field.default:
            parts[field.name] = value
    return parts


def canonical(experiment: Experiment) -> Experiment:
    """The experiment with every setting that has no effect on it at its default."""
    if not effects.trains(experiment):
        return replace(experiment.initial(), method=experiment.method)
    idle = {
        field.name: field.default
        for field in fields(experiment)
        if declaration(field).counts is not effects.never
        and not declaration(field).counts(experiment)
    }
    return replace(experiment, **idle)


def _model(experiment: Experiment, name: str) -> str:
    if experiment.backend == "hosted" and name not in MODELS:
        return f"hosted:{name}"
    return _weights(name)


@_once
def _weights(name: str) -> str:
    return loading.content(name)


@_once
def _file(name: str) -> str:
    """Of a dataset: how it is read, and what is in it."""
    file, source = catalog.on_disk(name), catalog.split(name)[0]
    read = f"{READING} {source}{_code(source)}"
    if file is None:
        return f"hub:{read}"
    content = f"{file.suffix} {digests.digest(file)}"
    return content if not source and content in _archived(paths.data()) else f"{read}{content}"


@cache
def _archived(folder: Path) -> set[str]:
    """The content of the Archive's datasets in the data folder; nobody changes them meanwhile."""
    return {f".jsonl {digests.digest(catalog.locate(one))}" for one in DATASETS}


def _training(experiment: Experiment, name: str) -> list[str]:
    """The file, and the images that the drawn rows name."""
    file = _file(name)
    if name in DATASETS or file.startswith("hub:"):
        return [file]
    rows = drawn(experiment).rows if name == experiment.dataset else load(name, "training").rows
    images = sorted({row["picture"] for row in rows if isinstance(row.get("picture"), str)})
    return [file, *(digests.digest(image) for image in map(Path, images))]


def _prompts(experiment: Experiment, names: str | tuple[str, ...]) -> list[str]:
    return [_file(name) for name in ([names] if isinstance(names, str) else names) if name]


def _judges(experiment: Experiment, names: tuple[str, ...]) -> list[str]:
    """By name where it is a rule, by kind and content where it is a model."""
    kinds = {name: registry.split(name)[0] or name + _code(name) for name in names}
    return [f"{kinds[name]} {registry.judge_named(name).content()}".strip() for name in names]


def _provider(experiment: Experiment, name: str) -> str:
    return provider(name).where()


def _method(experiment: Experiment, name: str) -> str:
    return name + _code(name)


def _mitigation(experiment: Experiment, text: str) -> list[Any]:
    """The name with every option's value."""
    return [split(text)[0] + _code(split(text)[0]), _options(experiment, mitigation(text))]


def _attack(experiment: Experiment, text: str) -> list[Any]:
    return [split(text)[0] + _code(split(text)[0]), _options(experiment, attack(text))]


def _options(experiment: Experiment, thing: WithOptions) -> dict[str, Any]:
    """Every option's value; of one's own dataset or model that an option names, the content."""
    values = thing.options
    for option, kind in thing.NAMES.items():
        name = values[option]
        if name and name not in DATASETS and name not in MODELS:
            values[option] = CONTENT[kind](experiment, name)
    return values


def _code(name: str) -> str:
    """Of somebody's own thing, the file that it is written in; ours goes by ENGINE."""
    if not lookup.is_import_path(name):
        return ""
    return " " + digests.digest(lookup.file_of(name))


#: Kind of thing that a setting names -> what of it decides.
CONTENT: dict[str, Callable[[Experiment, Any], Any]] = {
    "model": _model, "training": _training, "prompts": _prompts, "judges": _judges,
    "provider": _provider, "method": _method, "mitigation": _mitigation,
    "attack": _attack,
}  # fmt: skip

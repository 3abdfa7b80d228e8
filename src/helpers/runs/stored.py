"""Stored runs, looked up: by the beginning of an id, and as the experiments that they were.

>>> experiment_of(named("harmful_examples-10-full-seed31").row)
Experiment(tier='harmful_examples', ...)
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from helpers.errors import ConfigError, StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.runs.store import Run, Store


def named(name: str, store: Store | None = None) -> Run:
    """The stored run whose id begins so. Raises ConfigError, and StoreError for a damaged one."""
    store = store or Store()
    ids = [id for id in store.ids() if id.startswith(name)] if name else []
    if len(ids) != 1 and name not in ids:
        found = f"{len(ids)} runs begin so, such as {ids[0]}" if ids else "no such folder or run"
        raise ConfigError(f"{name or 'an empty name'}: {found}; `aligndrift results` lists them.")
    run = store.get(name if name in ids else ids[0])
    if run is None:
        raise StoreError(f"run {ids[0]} is damaged; run it again.")
    return run


def experiment_of(row: Mapping[str, Any]) -> Experiment:
    """The experiment of a row of the runs table.

    Its id may be another one by now, where the data or models that it names have changed.
    """
    settings = {field.name: row[field.name] for field in fields(Experiment) if field.name in row}
    sets = row["prompt_sets"]  # in the row utility and over_refusal are what was measured by them
    utility = [name for use, name in sets.items() if use.startswith("utility_")]
    asked = {use: sets.get(use, "") for use in ("benchmark", "second_benchmark", "over_refusal")}
    return Experiment(**settings | asked | {"utility": tuple(utility)})


def not_stored(experiments: Iterable[Experiment], store: Store) -> list[Experiment]:
    """Those of the experiments and of their initial runs that are not stored, each once."""
    wanted = {run_id(one): one for own in experiments for one in (own.initial(), own)}
    return [one for id, one in wanted.items() if not store.has(id)]

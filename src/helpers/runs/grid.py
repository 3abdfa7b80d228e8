"""Many experiments at once: resumable, with progress, and nothing computed twice.

Full fine-tunings that differ in epochs alone are one training. What is stored is skipped, so a
grid that was killed goes on where it stopped. An experiment that fails is reported at the end by
its id, and the others are stored.

>>> result = run_grid([preset.experiment("harmful_examples", n_examples=n, seed=s)
...                    for n in (10, 50, 100) for s in (11, 12, 13)], jobs=2)
>>> result.runs, result.failed
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import pandas as pd
from tqdm.auto import tqdm

from helpers import paths
from helpers.attacks.base import attack
from helpers.errors import AlignDriftError, ConfigError, one_of
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import looked_at_once, run_id
from helpers.hosted.ledger import JobRefused
from helpers.mitigations.base import mitigation
from helpers.presets import loader
from helpers.presets.checks import FIELDS
from helpers.runs import costs
from helpers.runs.engines import threads
from helpers.runs.engines.base import (
    Engine,
    Family,
    Outcome,
    RunFailed,
    TakenElsewhere,
    engine_named,
)
from helpers.runs.gathering import Anywhere, mark, stored
from helpers.runs.run import check, run, run_by_epoch
from helpers.runs.store import Run, Store
from helpers.settings_file import read_yaml

#: Most experiments of a grid: of runs that take a second, a day's work.
MOST = 100_000


@dataclass(frozen=True)
class GridResult:
    """A finished grid: its runs table in the order asked for, and id -> error of what failed.

    computed: how many runs were made just now. ids: of each experiment. A JobRefused among the
    errors is a result: a provider would not train or release.
    """

    runs: pd.DataFrame
    failed: dict[str, AlignDriftError]
    computed: int
    ids: dict[Experiment, str] = field(default_factory=dict)

    @property
    def refused(self) -> dict[str, AlignDriftError]:
        """Those of the failed that a provider refused."""
        return {id: error for id, error in self.failed.items() if isinstance(error, JobRefused)}


def run_grid(
    experiments: Iterable[Experiment],
    store: Store | None = None,
    jobs: int = 0,
    progress: bool = True,
    engine: str = "",
) -> GridResult:
    """Carry out the experiments and the initial runs they are compared with.

    jobs: how many at once; 0 for one a core, or for as many as a cluster has room for. engine: who
    carries them out (helpers.runs.engines). Several processes on one folder share the work: what
    another has begun is left to it, and waited for at the end.
    Data and settings of all that is not stored are checked before the first one starts. What is
    stored stays, however a grid is stopped; a KeyboardInterrupt says how much that is.
    """
    experiments = list(dict.fromkeys(islice(experiments, MOST + 1)))
    if not experiments:
        raise ConfigError("the grid is empty; give at least one experiment.")
    if len(experiments) > MOST:
        raise ConfigError(f"the grid has more than {MOST:,} experiments; split it.")
    if jobs < 0:
        raise ConfigError(f"jobs must be at least 1, or 0 for one a core, not {jobs}.")
    store, chosen = store or Store(), engine_named(engine)
    with looked_at_once():
        named = {one: id for one in experiments if (id := _id(one))}
        stored = set(store.rows(named.values()))
        for experiment in experiments:
            if named.get(experiment) not in stored:
                check(experiment)
        ids = {one: named.get(one) or run_id(one) for one in experiments}
        firsts = dict.fromkeys(experiment.initial() for experiment in experiments)
        initial = {run_id(one): one for one in firsts}
    by_id = {id: experiment for experiment, id in ids.items()}
    stored |= set(store.rows(initial.keys() - by_id.keys()))
    missing = {id: one for id, one in (initial | by_id).items() if id not in stored}
    costs.check(list(missing.values()))
    if missing:
        store.check_writable()
    rounds = [  # initial runs come first: every other run quotes one
        [one for id, one in missing.items() if id in initial],
        [one for id, one in missing.items() if id not in initial],
    ]
    errors: dict[str, AlignDriftError] = {}
    with tqdm(total=len(missing), desc="runs", disable=not progress) as bar:
        try:
            for wave in rounds:
                with closing(_carry_out_all(wave, store, chosen, jobs)) as outcomes:
                    for outcome in outcomes:
                        bar.update()
                        if outcome.error:
                            errors[outcome.run_id] = outcome.error
        except KeyboardInterrupt:
            kept = len(store.rows(initial | by_id))
            raise KeyboardInterrupt(
                f"stopped; {kept} of {len(initial | by_id)} runs are stored and kept; start again "
                "and it goes on."
            ) from None
    # What a killed worker had stored is there, and so is an initial run that another made.
    failed = {id: error for id, error in errors.items() if not store.has(id)}
    runs = store.runs([id for id in by_id if id not in failed])
    result = GridResult(runs, failed, len(missing) - len(failed), ids)
    for id, error in failed.items():
        if id not in result.refused:
            tqdm.write(f"failed: {id}: {error}", file=sys.stderr)
    return result


def _id(experiment: Experiment) -> str:
    """The run's id; "" of one that has none, of which `check` says best why."""
    try:
        return run_id(experiment)
    except AlignDriftError:
        return ""


def _carry_out_all(
    wave: Sequence[Experiment], store: Store, engine: Engine, jobs: int
) -> Iterator[Outcome]:
    """The outcome of each experiment as it comes; last, of those that others had begun."""
    taken = set()
    with closing(_as_they_come(wave, store, engine, jobs, wait=False)) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome.error, TakenElsewhere):
                taken.add(outcome.run_id)
            else:
                yield outcome
    rest = [one for one in wave if run_id(one) in taken]
    with closing(_as_they_come(rest, store, engine, jobs, wait=True)) as outcomes:
        yield from outcomes


def _as_they_come(
    wave: Sequence[Experiment], store: Store, engine: Engine, jobs: int, wait: bool
) -> Iterator[Outcome]:
    """The outcomes: a provider's runs by threads, beside the engine's. wait: as carry_out_family's.

    The local engine's workers are on this machine; others may be anywhere.
    """
    if not wave:
        return
    hosted = [[one] for one in wave if one.backend == "hosted"]
    others = families(one for one in wave if one.backend != "hosted")
    carry_out = partial(carry_out_family, wait=wait)
    here = partial(carry_out, folder=store.folder)
    stopped = Event()
    there = threads.carry_out_all(hosted, lambda one: [] if stopped.is_set() else here(one))
    arrivals: SimpleQueue[list[Outcome] | None] = SimpleQueue()
    Thread(target=_pass_on, args=(there, arrivals), daemon=True).start()
    pending = {run_id(one) for one in wave}
    try:
        with mark(store.folder) as held:
            if engine is not engine_named("local"):
                here = Anywhere(carry_out, store.folder, held, _initial(wave, store))
            for outcomes in chain(engine(others, here, jobs), iter(arrivals.get, None)):
                pending -= {outcome.run_id for outcome in outcomes}
                yield from stored(outcomes, store)
    finally:
        stopped.set()
    for id in sorted(pending):
        yield Outcome(id, RunFailed("its engine did not carry it out."))


def _initial(wave: Iterable[Experiment], store: Store) -> dict[str, Run]:
    """Run id -> run, of the initial runs that are stored."""
    ids = {run_id(one.initial()) for one in wave}
    return {id: found for id in ids if (found := store.get(id))}


def _pass_on(outcomes: Iterator[list[Outcome]], arrivals: SimpleQueue) -> None:
    """Put the outcomes into the queue as they come, and None when there are no more."""
    try:
        for some in outcomes:
            arrivals.put(some)
    finally:
        arrivals.put(None)


def families(wave: Iterable[Experiment]) -> list[list[Experiment]]:
    """The experiments, those together that one training serves: alike but for their epochs."""
    groups: dict[Experiment, list[Experiment]] = {}
    for experiment in wave:
        alike = replace(experiment, epochs=1) if shares_training(experiment) else experiment
        groups.setdefault(alike, []).append(experiment)
    return list(groups.values())


def shares_training(experiment: Experiment) -> bool:
    """Whether its training passes through those of the same experiment with fewer epochs."""
    return (
        experiment.method == "full"
        and experiment.processes == 1
        and mitigation(experiment.mitigation).leaves_training_alone
        and attack(experiment.attack).is_rows_alone
    )


def carry_out_family(family: Family, folder: Path, wait: bool = True) -> list[Outcome]:
    """Each experiment's outcome; what stopped one of a shared training stopped those after it.

    wait: for a run that another process is computing; else it is TakenElsewhere.
    """
    store, failure = Store(folder), None
    ids = [run_id(experiment) for experiment in family]
    if not wait and any(map(store.is_claimed, ids)):
        return [Outcome(id, TakenElsewhere("another process is computing it.")) for id in ids]
    try:
        if len(family) == 1:
            run(family[0], store)
        else:
            run_by_epoch(family, store)
    except AlignDriftError as error:
        failure = error
    except Exception as error:  # of whatever code: the other runs go on
        failure = RunFailed(f"{type(error).__name__}: {error}")
    return [Outcome(id, None if store.has(id) else failure) for id in ids]


def read_grid(path: str) -> list[Experiment]:
    """The experiments of a grid file: a preset, a tier, and a list for each setting to vary.

        preset: tiny
        tier: harmful_examples
        vary: {n_examples: [10, 50, 100], seed: [11, 12, 13]}

    Raises ConfigError for what is unknown, said twice, of the wrong type or too much.
    """
    file = paths.find(path)
    grid = read_yaml(file, "grid file")
    vary, fixed = grid.get("vary"), grid.get("fixed")
    fixed = {} if fixed is None else fixed
    preset, tier = grid.get("preset", "tiny"), grid.get("tier")
    try:
        for key in grid:
            one_of(key, ("preset", "tier", "vary", "fixed"), "entry")
        if not vary or not isinstance(vary, dict):
            raise ConfigError("it needs `vary`: a list of values for each setting.")
        if not isinstance(fixed, dict):
            raise ConfigError("`fixed` must hold settings, one `name: value` a line.")
        if not isinstance(preset, str) or not isinstance(tier, str | None):
            raise ConfigError("`preset` and `tier` must be names.")
        for key in (*vary, *fixed):
            one_of(key, FIELDS, "setting")
        for key, values in vary.items():
            if not isinstance(values, list) or not values:
                raise ConfigError(f"vary: {key} must be a list of values, not {values!r}.")
        twice = [key for key in vary if key in fixed or (key == "tier" and tier)]
        if twice:
            raise ConfigError(f"{twice[0]} is both varied and fixed; leave one of them out.")
        size = math.prod(map(len, vary.values()))
        if size > MOST:
            raise ConfigError(f"it has {size:,} combinations, of which {MOST:,} are allowed.")
        return loader.combinations(loader.load(preset), tier, vary, fixed)
    except ConfigError as error:
        raise ConfigError(f"grid file {file.name}: {error}") from None

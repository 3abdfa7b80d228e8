"""Many experiments at once: resumable, with progress, and nothing computed twice.

Full fine-tunings that differ in epochs alone are one training. What is stored is skipped, so a
grid that was killed goes on where it stopped. An experiment that fails is reported at the end by
its id, and the others are stored.

>>> result = run_grid([preset.experiment("harmful_examples", n_examples=n, seed=s)
...                    for n in (10, 50, 100) for s in (11, 12, 13)], jobs=2)
>>> result.runs, result.failed
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

import pandas as pd
import yaml
from tqdm.auto import tqdm

from helpers import paths
from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.hosted.ledger import JobRefused
from helpers.mitigations.base import mitigation
from helpers.presets import loader
from helpers.runs import costs
from helpers.runs.engines import threads
from helpers.runs.engines.base import Engine, Family, Outcome, RunFailed, engine_named
from helpers.runs.run import check, run, run_by_epoch
from helpers.runs.store import Store


@dataclass(frozen=True)
class GridResult:
    """A finished grid: its runs table in the order asked for, and id -> error of what failed.

    A JobRefused among the errors is a result: a provider would not train or release.
    """

    runs: pd.DataFrame
    failed: dict[str, AlignDriftError]
    computed: int

    @property
    def refused(self) -> dict[str, AlignDriftError]:
        """Those of the failed that a provider refused."""
        return {id: error for id, error in self.failed.items() if isinstance(error, JobRefused)}


def run_grid(
    experiments: Iterable[Experiment],
    store: Store | None = None,
    jobs: int = 0,
    progress: bool = True,
    engine: str = "local",
) -> GridResult:
    """Carry out the experiments and the initial runs they are compared with.

    jobs: how many at once; 0 for one a core. engine: who carries them out (helpers.runs.engines).
    Data and settings of all experiments are checked before the first one starts.
    """
    experiments = list(dict.fromkeys(experiments))
    if not experiments:
        raise ConfigError("the grid is empty; give at least one experiment.")
    if jobs < 0:
        raise ConfigError(f"jobs must be at least 1, or 0 for one a core, not {jobs}.")
    store, chosen = store or Store(), engine_named(engine)
    for experiment in experiments:
        check(experiment)
    by_id = {run_id(experiment): experiment for experiment in experiments}
    initial = {run_id(one): one for one in (each.initial() for each in experiments)}
    costs.check([one for id, one in (initial | by_id).items() if not store.has(id)])
    rounds = [  # initial runs come first: every other run quotes one
        [one for id, one in wave.items() if not store.has(id)]
        for wave in (initial, {id: one for id, one in by_id.items() if id not in initial})
    ]
    failed: dict[str, AlignDriftError] = {}
    computed = 0
    with tqdm(total=sum(map(len, rounds)), desc="runs", disable=not progress) as bar:
        for wave in rounds:
            for outcome in _carry_out_all(wave, store.folder, chosen, jobs or os.cpu_count() or 1):
                bar.update()
                if outcome.error:
                    failed[outcome.run_id] = outcome.error
                else:
                    computed += 1
    result = GridResult(store.runs([id for id in by_id if id not in failed]), failed, computed)
    for id, error in failed.items():
        if id not in result.refused:
            tqdm.write(f"failed: {id}: {error}")
    return result


def _carry_out_all(
    wave: Sequence[Experiment], folder: Path, local: Engine, jobs: int
) -> Iterator[Outcome]:
    """The outcome of each experiment as it comes: a provider's by threads, beside the engine's."""
    hosted = [[one] for one in wave if one.backend == "hosted"]
    here = families(one for one in wave if one.backend != "hosted")
    carry_out = partial(carry_out_family, folder=folder)
    arrivals: SimpleQueue[list[Outcome] | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(_pass_on, threads.carry_out_all(hosted, carry_out), arrivals)
        pending = {run_id(one) for one in wave}
        for outcomes in chain(local(here, carry_out, jobs), iter(arrivals.get, None)):
            pending -= {outcome.run_id for outcome in outcomes}
            yield from outcomes
        there.result()  # raises what stopped it
    for id in sorted(pending):
        yield Outcome(id, RunFailed("its engine did not carry it out."))


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
        shares = (
            experiment.method == "full"
            and experiment.processes == 1
            and mitigation(experiment.mitigation).leaves_training_alone
        )
        alike = replace(experiment, epochs=1) if shares else experiment
        groups.setdefault(alike, []).append(experiment)
    return list(groups.values())


def carry_out_family(family: Family, folder: Path) -> list[Outcome]:
    """Each experiment's outcome; what stopped one of a shared training stopped those after it."""
    store, failure = Store(folder), None
    try:
        if len(family) == 1:
            run(family[0], store)
        else:
            run_by_epoch(family, store)
    except AlignDriftError as error:
        failure = error
    except Exception as error:  # of whatever code: the other runs go on
        failure = RunFailed(f"{type(error).__name__}: {error}")
    ids = [run_id(experiment) for experiment in family]
    return [Outcome(id, None if store.has(id) else failure) for id in ids]


def read_grid(path: str) -> list[Experiment]:
    """The experiments of a grid file: a preset, a tier, and a list for each setting to vary.

        preset: tiny
        tier: harmful_examples
        vary: {n_examples: [10, 50, 100], seed: [11, 12, 13]}

    Raises ConfigError for what is unknown or not a list.
    """
    file = paths.find(path)
    try:
        grid = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"grid file {file.name} cannot be read: {error}") from None
    if not isinstance(grid, dict) or not isinstance(grid.get("vary"), dict):
        raise ConfigError(f"grid file {file.name} needs `vary`: a list of values for each setting.")
    unknown = set(grid) - {"preset", "tier", "vary", "fixed"}
    if unknown:
        raise ConfigError(
            f"grid file {file.name}: unknown entry {sorted(unknown)[0]!r}; it takes preset, tier, "
            "vary and fixed."
        )
    preset = loader.load(grid.get("preset", "tiny"))
    return loader.combinations(preset, grid.get("tier"), grid["vary"], grid.get("fixed") or {})

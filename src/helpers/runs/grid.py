"""Many experiments over the cores: resumable, with progress, and nothing computed twice.

Each worker runs one experiment at a time on one thread; a model of a million parameters gains
nothing from more. Full fine-tunings that differ in epochs alone are one training. What is stored
is skipped, so a grid that was killed goes on where it stopped. An experiment that fails is
reported at the end by its id, and the others are kept.

>>> result = run_grid([preset.experiment("harmful_examples", n_examples=n, seed=s)
...                    for n in (10, 50, 100) for s in (11, 12, 13)], jobs=2)
>>> result.runs, result.failed

Used by: cli (`aligndrift sweep`); every notebook with a sweep.
"""

import os
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm.auto import tqdm

from helpers import paths
from helpers.runs import costs
from helpers.presets import loader as presets
from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.experiment import Experiment
from helpers.hosted.ledger import JobRefused
from helpers.runs.run import check, run, run_through
from helpers.runs.store import Store

#: What the error of a run begins with that a provider would not train or release: a result, too.
REFUSED = JobRefused.__name__

#: Runs that are under way at a provider at once.
HOSTED_AT_ONCE = 3


@dataclass(frozen=True)
class GridResult:
    """A finished grid: its runs table in the order asked for, and id -> error of what failed."""

    runs: pd.DataFrame
    failed: dict[str, str]
    computed: int


def run_grid(
    experiments: Iterable[Experiment],
    store: Store | None = None,
    jobs: int = 0,
    progress: bool = True,
) -> GridResult:
    """Carry out the experiments and the initial runs they are compared with.

    jobs: worker processes; 0 for one a core. Data and settings of all experiments are checked
    before the first one starts.
    """
    experiments = list(dict.fromkeys(experiments))
    if not experiments:
        raise ConfigError("the grid is empty; give at least one experiment.")
    if jobs < 0:
        raise ConfigError(f"jobs must be at least 1, or 0 for one a core, not {jobs}.")
    store = store or Store()
    ids = {e.id: e for e in experiments}
    for experiment in experiments:
        check(experiment)
    initial = {e.initial().id: e.initial() for e in experiments}
    costs.check([e for i, e in (initial | ids).items() if not store.has(i)])
    failed: dict[str, str] = {}
    computed = 0
    rounds = [  # initial runs come first: every other run quotes one
        [e for i, e in wave.items() if not store.has(i)]
        for wave in (initial, {i: e for i, e in ids.items() if i not in initial})
    ]
    with tqdm(total=sum(map(len, rounds)), desc="runs", disable=not progress) as bar:
        for wave in rounds:
            for run_id, error in _map(wave, store.folder, jobs or os.cpu_count() or 1):
                bar.update()
                if error:
                    failed[run_id] = error
                else:
                    computed += 1
    for run_id, error in failed.items():
        if not error.startswith(REFUSED):
            tqdm.write(f"failed: {run_id}: {error}")
    return GridResult(store.runs([i for i in ids if i not in failed]), failed, computed)


def _map(wave: Sequence[Experiment], folder: Path, jobs: int):
    """(run id, error or "") of each experiment as it finishes."""
    hosted = [e for e in wave if e.backend == "hosted"]
    with ThreadPoolExecutor(HOSTED_AT_ONCE) as aside:  # the provider works, so threads will do
        there = [aside.submit(_tried, [e], folder) for e in hosted]
        yield from _on_cores([e for e in wave if e.backend != "hosted"], folder, jobs)
        for future in as_completed(there):
            yield from future.result()


def families(wave: Iterable[Experiment]) -> list[list[Experiment]]:
    """The experiments, those together that one training serves: alike but for their epochs."""
    found: dict[Experiment, list[Experiment]] = {}
    for e in wave:
        alone = e.method != "full" or e.processes > 1
        found.setdefault(e if alone else replace(e, epochs=1), []).append(e)
    return list(found.values())


def _on_cores(wave: Sequence[Experiment], folder: Path, jobs: int):
    """The same, each in a process of its own."""
    if not wave:
        return
    pending = {e.id for e in wave}
    # joblib renews a worker whose memory grew since its first run; nothing is lost by it.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
    pool = Parallel(n_jobs=jobs, return_as="generator_unordered")
    try:
        for told in pool(delayed(_one)(family, folder) for family in families(wave)):
            for run_id, error in told:
                pending.discard(run_id)
                yield run_id, error
    except TerminatedWorkerError:
        for run_id in pending:
            yield run_id, "its worker was killed, perhaps for want of memory; use fewer jobs."


def _one(family: Sequence[Experiment], folder: Path) -> list[tuple[str, str]]:
    import torch  # here, so that a grid that is all stored is read in a moment

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _tried(family, folder)
    finally:
        torch.set_num_threads(threads)


def _tried(family: Sequence[Experiment], folder: Path) -> list[tuple[str, str]]:
    store, told = Store(folder), ""
    try:
        if len(family) == 1:
            run(family[0], store)
        else:
            run_through(family, store)
    except (AlignDriftError, RuntimeError, OSError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
    return [(e.id, "" if store.has(e.id) else told) for e in family]


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
    preset = presets.load(grid.get("preset", "tiny"))
    return presets.combinations(preset, grid.get("tier"), grid["vary"], grid.get("fixed", {}))

"""The runs behind a preset's grids, ready to be compared: a seeds x prompts table a condition.

Tests compare the runs of one grid, which share their seeds. Rates, wherever they are shown, rest
on all stored seeds of their condition (reporting.conditions), so that it has the same number in
every notebook.

>>> evidence = gather(presets.load("tiny"), ["harmful_shots"])
>>> evidence.table("harmful_shots", n_examples=10)         # 1 where the score is 5
>>> evidence.over_seeds("harmful_shots", "n_examples")     # rates with intervals
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

import pandas as pd

from helpers.attacks.base import attack
from helpers.errors import ConfigError, StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import looked_at_once, run_id
from helpers.mitigations.base import mitigation
from helpers.presets.loader import Preset
from helpers.reporting import results
from helpers.reporting.conditions import other_seeds
from helpers.runs.grid import run_grid
from helpers.runs.hits import hits_of
from helpers.runs.store import Store
from helpers.training.options import split

#: Settings that name a thing with options, which can be written in several ways.
SPELLED = {"mitigation": mitigation, "attack": attack}


@dataclass(frozen=True)
class Evidence:
    """Grid -> its runs (one row each), and the store that holds their answers.

    others: grid -> stored runs of the same conditions under the preset's other seeds.
    """

    preset: Preset
    runs: dict[str, pd.DataFrame]
    store: Store
    others: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The name of the model that was run, for a label; of several, their names in a row."""
        names = (name for runs in self.runs.values() if len(runs) for name in runs.model)
        return ", ".join(dict.fromkeys(PurePath(name).name for name in names))

    def pooled(self, grid: str) -> pd.DataFrame:
        """The grid's runs, and under them those of its conditions' other stored seeds."""
        others = self.others.get(grid, pd.DataFrame())
        return self.runs[grid] if others.empty else pd.concat([self.runs[grid], others])

    def over_seeds(self, grid: str, *by: str, use: str = "benchmark") -> pd.DataFrame:
        """One row a condition of the grid, all its stored seeds counted: results.over_seeds."""
        return results.over_seeds(self.store, self.pooled(grid), by or ("tier",), use)

    def where(self, grid: str, **settings) -> pd.DataFrame:
        """The grid's runs with these settings, by seed. Raises StoreError if there are none."""
        if grid not in self.runs:
            raise StoreError(f"preset {self.preset.name} has no grid {grid}.")
        runs = self.runs[grid]
        for name, value in settings.items():
            runs = runs[runs[name] == (_spelled(name, value) if name in SPELLED else value)]
        if runs.empty:
            raise StoreError(f"grid {grid} has no finished run with {settings}.")
        return runs.sort_values("seed")

    def table(
        self,
        grid: str,
        use: str = "benchmark",
        judge: str = "",
        what: str = "fulfilled",
        **settings,
    ) -> pd.DataFrame:
        """Seeds x prompts: 1 for a hit (runs.hits), 0 for none, NaN where not scored."""
        runs = self.where(grid, **settings)
        table = hits_of(self.store, runs.run_id, judge or runs.judges.iloc[0][0], use, what)
        return table.loc[runs.run_id].set_axis(runs.seed.to_numpy(), axis=0)

    def initial(
        self,
        grid: str,
        use: str = "benchmark",
        judge: str = "",
        what: str = "fulfilled",
        **settings,
    ) -> pd.Series:
        """The same for the initial model that those runs are compared with: one row."""
        runs = self.where(grid, **settings)
        judge, ids = judge or runs.judges.iloc[0][0], runs.initial_run_id.iloc[:1]
        return hits_of(self.store, ids, judge, use, what).iloc[0]


def gather(
    preset: Preset,
    grids: Iterable[str],
    store: Store | None = None,
    jobs: int = 0,
    seeds: Sequence[int] = (),
    vary: dict[str, list] | None = None,
    engine: str = "",
    **changes,
) -> Evidence:
    """Carry out the preset's grids as one, so that no core waits, and return their runs.

    seeds: instead of the preset's; then these alone count. vary: other lists for settings that
    the grids vary. engine: as in run_grid. changes: settings that all experiments share, such as
    model. Failed runs are told and left out. The learning rate of a hosted run is its multiple of
    the provider's own. Raises StoreError if no run finished.
    """
    store = store or Store()
    experiments = {name: preset.grid(name, seeds, vary, **changes) for name in grids}
    every = [experiment for own in experiments.values() for experiment in own]
    result = run_grid(every, store, jobs, engine=engine)
    if result.runs.empty:
        reason = next(iter(result.failed.values()), "every one is damaged")
        raise StoreError(f"none of {len(set(every))} runs finished: {reason}")
    return _pooled(preset, experiments, result.ids, result.runs, store, bool(seeds), **changes)


def stored(preset: Preset, grids: Iterable[str], seeds: Sequence[int] = ()) -> Evidence:
    """The same of the runs that are stored; nothing is computed, and a grid may have no run.

    Raises StoreError if none is stored, and what reading the files that a run names raises.
    """
    store = Store()
    experiments = {name: preset.grid(name, seeds) for name in grids}
    with looked_at_once():
        ids = {one: run_id(one) for own in experiments.values() for one in own}
    runs = store.runs(sorted(set(ids.values()) & set(store.ids())))
    if runs.empty:
        raise StoreError("none of these runs is stored.")
    return _pooled(preset, experiments, ids, runs, store, bool(seeds))


def _spelled(setting: str, text: str) -> str:
    """One spelling for what is the same, whoever ran it first; somebody's own may be gone."""
    try:
        return SPELLED[setting](text).spelled(split(text)[0])
    except ConfigError:
        return text


def _pooled(
    preset: Preset, experiments: dict[str, list[Experiment]], ids: dict[Experiment, str],
    runs: pd.DataFrame, store: Store, own_seeds: bool, **changes,
) -> Evidence:  # fmt: skip
    """The runs by grid, and those of their conditions' other stored seeds.

    own_seeds: the seeds are not the preset's; then a grid stands by itself.
    """
    with looked_at_once():
        others = {
            name: [] if own_seeds or preset.grids[name].get("seeds") else
            other_seeds(preset, own, store, **changes)
            for name, own in experiments.items()
        }  # fmt: skip
        more = {experiment: run_id(experiment) for own in others.values() for experiment in own}
    frames = [runs, store.runs(sorted(set(more.values()) - set(runs.run_id)))]
    table = pd.concat([frame for frame in frames if len(frame)]).set_index("run_id", drop=False)
    ids = more | ids
    multiples = {
        ids[experiment]: experiment.learning_rate_multiplier
        for experiment in ids
        if experiment.backend == "hosted"
    }
    for name in SPELLED:  # a run that was stored before there were attacks names none
        texts = table[name] if name in table else pd.Series("none", index=table.index)
        table[name] = [_spelled(name, text) for text in texts.fillna("none")]
    table["learning_rate"] = [multiples.get(*pair) for pair in table.learning_rate.items()]

    def rows(own: Sequence[Experiment]) -> pd.DataFrame:
        names = dict.fromkeys(ids[experiment] for experiment in own)
        return table.loc[[name for name in names if name in table.index]]

    return Evidence(
        preset,
        {name: rows(own) for name, own in experiments.items()},
        store,
        {name: rows(own) for name, own in others.items()},
    )

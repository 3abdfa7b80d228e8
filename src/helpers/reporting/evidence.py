"""The runs behind a preset's grids, ready to be compared: a seeds x prompts table a condition.

>>> evidence = gather(presets.load("tiny"), ["harmful_shots"])
>>> evidence.table("harmful_shots", n_examples=10)     # 1 where the score is 5
>>> evidence.over_seeds("harmful_shots", "n_examples")     # rates with intervals

Used by: tables, claims; notebooks 02 to 05 and 09.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from helpers.errors import StoreError
from helpers.runs.grid import run_grid
from helpers.presets.loader import Preset
from helpers.reporting.results import hits, over_seeds
from helpers.runs.store import Store


@dataclass(frozen=True)
class Evidence:
    """Grid -> its runs (one row each), and the store that holds their answers."""

    settings: Preset
    runs: dict[str, pd.DataFrame]
    store: Store

    def where(self, grid: str, **settings) -> pd.DataFrame:
        """The grid's runs with these settings, by seed. Raises StoreError if there are none."""
        runs = self.runs[grid]
        for name, value in settings.items():
            runs = runs[runs[name] == value]
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
        """Seeds x prompts: 1 for a hit (results.HITS), 0 for none, NaN where not scored."""
        runs = self.where(grid, **settings)
        found = hits(
            self.store.table("judgements", list(runs.run_id)),
            judge or runs.judges.iloc[0][0],
            use,
            what,
        )
        return found.loc[runs.run_id].set_axis(runs.seed.to_numpy(), axis=0)

    def over_seeds(self, grid: str, *by: str, use: str = "benchmark") -> pd.DataFrame:
        """One row a condition of the grid: results.over_seeds, with columns rate and score."""
        found = over_seeds(self.store, self.runs[grid], by or ("tier",), use)
        return found.rename(columns={"harmfulness_rate": "rate", "harmfulness_score": "score"})

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
        judgements = self.store.table("judgements", [runs.initial_run_id.iloc[0]])
        return hits(judgements, judge or runs.judges.iloc[0][0], use, what).iloc[0]


def gather(
    settings: Preset,
    grids: Iterable[str],
    store: Store | None = None,
    jobs: int = 0,
    seeds: Sequence[int] = (),
    vary: dict[str, list] | None = None,
    **changes,
) -> Evidence:
    """Carry out the preset's grids as one, so that no core waits, and return their runs.

    vary: other lists for settings that the grids vary. changes: settings that all experiments
    share, such as model. Failed runs are told and left out. The learning rate of a hosted run is
    its multiple of the provider's own.
    """
    store = store or Store()
    asked = {name: settings.grid(name, seeds, vary, **changes) for name in grids}
    every = [e for experiments in asked.values() for e in experiments]
    result = run_grid(every, store, jobs)
    by_id = result.runs.set_index("run_id", drop=False)
    multiples = {e.id: e.learning_rate_multiplier for e in every if e.backend == "hosted"}
    rates = [multiples.get(run_id, rate) for run_id, rate in by_id.learning_rate.items()]
    by_id["learning_rate"] = rates
    runs = {
        name: by_id.loc[[e.id for e in dict.fromkeys(experiments) if e.id in by_id.index]]
        for name, experiments in asked.items()
    }
    return Evidence(settings, runs, store)

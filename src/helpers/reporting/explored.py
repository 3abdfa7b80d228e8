"""The stored runs of one tier that differ in four settings and the seed alone, and their rates.

>>> runs = stored(preset, "harmful_examples", Store())
>>> rates(runs, Store())             # a row for each choice of SETTINGS, with intervals and seeds
"""

from contextlib import suppress
from dataclasses import replace

import pandas as pd

from helpers.errors import AlignDriftError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import looked_at_once, run_id
from helpers.presets.loader import Preset
from helpers.reporting import results
from helpers.reporting.conditions import condition
from helpers.runs.store import Store
from helpers.runs.stored import experiment_of

#: What is looked at: at a provider its own rate is multiplied.
SETTINGS = ("n_examples", "learning_rate", "batch_size", "epochs")
AT_A_PROVIDER = ("n_examples", "learning_rate_multiplier", "batch_size", "epochs")


def settings_of(experiment: Experiment) -> tuple[str, ...]:
    """The four settings, as the experiment's backend calls them."""
    return AT_A_PROVIDER if experiment.backend == "hosted" else SETTINGS


def stored(preset: Preset, tier: str, store: Store, **changes) -> pd.DataFrame:
    """Rows of the runs table that are the tier's experiment but for its settings and the seed.

    changes: settings that the experiment has instead of the preset's, as in Preset.experiment. Of
    several runs under one seed, which were asked other things beside, the first counts; one whose
    initial run is not there counts as missing, since a rate means little without where it began.
    """
    own = preset.experiment(tier, **changes)
    names, runs = settings_of(own), store.runs()
    if runs.empty:
        return runs
    runs = runs[(runs.tier == tier) & (runs.model == own.model) & (runs.method == own.method)]
    as_chosen = {name: getattr(own, name) for name in names}
    alike = []
    with looked_at_once():
        wanted = condition(own)
        for row in runs.to_dict("records"):
            with suppress(AlignDriftError, OSError, KeyError, TypeError):  # of an earlier version
                was = experiment_of(row)
                same = condition(replace(was, **as_chosen)) == wanted
                alike += [row["run_id"]] if same and run_id(was) == row["run_id"] else []
    runs = runs[runs.run_id.isin(alike)]
    runs = runs[runs.initial_run_id.isin(filter(store.has, runs.initial_run_id.unique()))]
    return runs.drop_duplicates([*names, "seed"])


def rates(runs: pd.DataFrame, store: Store) -> pd.DataFrame:
    """One row a choice of settings: results.over_seeds, and the seeds as a list."""
    if runs.empty:
        return pd.DataFrame()
    hosted = runs.backend.iloc[0] == "hosted"
    by = list(AT_A_PROVIDER if hosted else SETTINGS)
    seeds = runs.groupby(by).seed.apply(sorted).rename("seeds").reset_index()
    return results.over_seeds(store, runs, by).merge(seeds, on=by)

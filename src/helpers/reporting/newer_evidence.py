"""The runs that claims 20 onward compare, in one place: grids of a preset, and cards' runs.

Of every mitigation's card those without it and with it are taken, under names such as
"plain harmful_examples", which all share, and "kl_anchor/defended harmful_examples".

>>> evidence = gather(presets.load("beyond"))
>>> evidence.table("kl_anchor/defended harmful_examples")
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.errors import StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.presets.loader import Preset
from helpers.reporting.card_runs import conditions, named
from helpers.reporting.evidence import Evidence
from helpers.reporting.newer_claims import GRIDS
from helpers.runs.grid import run_grid
from helpers.runs.store import Store


def experiments(preset: Preset, seeds: Sequence[int] = ()) -> dict[str, list[Experiment]]:
    """Name -> its experiments; grids that the preset lacks are left out."""
    made = {name: preset.grid(name, seeds) for name in GRIDS if name in preset.grids}
    for mitigation in named():
        for name, runs in conditions(mitigation, preset, seeds).items():
            if name.startswith("plain "):
                made[name] = runs
            elif name.startswith("defended "):
                made[f"{mitigation}/{name}"] = runs
    return made


def gather(
    preset: Preset, seeds: Sequence[int] = (), jobs: int = 0, store: Store | None = None
) -> Evidence:
    """Carry out what is not stored, as one grid, and return the runs; failed ones are left out.

    seeds: instead of the preset's, six or more. Raises StoreError if no run finished.
    """
    store, made = store or Store(), experiments(preset, seeds)
    result = run_grid([each for runs in made.values() for each in runs], store, jobs)
    if result.runs.empty:
        reason = next(iter(result.failed.values()), "every one is damaged")
        raise StoreError(f"no run of the newer claims finished: {reason}")
    table = result.runs.drop_duplicates("run_id").set_index("run_id", drop=False)
    ids = {name: dict.fromkeys(map(run_id, runs)) for name, runs in made.items()}
    return Evidence(
        preset,
        {name: table.loc[[one for one in own if one in table.index]] for name, own in ids.items()},
        store,
    )


def of_cards(preset: Preset, evidence: Mapping[str, Evidence]) -> Evidence:
    """Of runs of cards that are there (card_runs.gathered), named as gather names them."""
    runs: dict[str, pd.DataFrame] = {}
    for mitigation, own in evidence.items():
        for name, frame in own.runs.items():
            if name.startswith("plain "):
                runs[name] = frame
            elif name.startswith("defended "):
                runs[f"{mitigation}/{name}"] = frame
    return Evidence(preset, runs, next(iter(evidence.values())).store)

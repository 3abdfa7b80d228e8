"""When two experiments are one condition, so that their seeds count together.

A preset's grids overlap: ten harmful examples are a point of two of its curves, under ten seeds
in one and, to save time, under three in the other. A condition has one number wherever it
appears, so every rate rests on all seeds under which any of the preset's grids asks for it and
that are stored. Nothing is computed for it. Two experiments are one condition where everything
that decides a run's words (experiments.identity) is the same but the seed and what is asked,
measured or judged beside the benchmark and its first judge.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import content, run_id
from helpers.presets.loader import Preset
from helpers.runs.store import Store


def condition(experiment: Experiment) -> str:
    """A text that two experiments share where they are one condition.

    Raises what reading the files that the experiment names raises.
    """
    benchmark_alone = replace(
        experiment, seed=0, second_benchmark="", over_refusal="", utility=(), variants=(),
        probes=(), judges=experiment.judges[:1],
    )  # fmt: skip
    return json.dumps(content(benchmark_alone), sort_keys=True)


def other_seeds(
    preset: Preset, experiments: Sequence[Experiment], store: Store, **changes
) -> list[Experiment]:
    """The stored experiments of the preset's grids that add a seed to a condition of these.

    changes: settings that all of these share, as in Preset.grid. Grids with seeds of their own,
    such as those that a threshold is set on, add none. Of several stored under one seed the first
    grid's counts.
    """
    ids = {run_id(experiment) for experiment in experiments}
    keys = {(condition(experiment), experiment.seed) for experiment in experiments}
    conditions = {key for key, _ in keys}
    datasets = {experiment.dataset for experiment in experiments}
    candidates: list[Experiment] = []
    for name, grid in preset.grids.items():
        if not grid.get("seeds"):
            with suppress(ConfigError):  # a grid that these changes do not fit
                candidates += preset.grid(name, **changes)
    added = []
    for experiment in candidates:
        if experiment.dataset not in datasets:
            continue
        with suppress(AlignDriftError, OSError):  # data that is not here has no stored run
            key, own = (condition(experiment), experiment.seed), run_id(experiment)
            if key[0] in conditions and key not in keys and own not in ids and store.has(own):
                added.append(experiment)
                keys.add(key)
    return added

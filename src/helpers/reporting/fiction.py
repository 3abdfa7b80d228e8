"""Whether what a preset makes can be shown to anybody: an embedded model, the Archive's data alone."""

from collections.abc import Mapping
from typing import Any

from helpers.data.disclosure import is_fiction
from helpers.presets.loader import Preset


def of_fiction(preset: Preset, told: Mapping[str, Any]) -> bool:
    """Whether the preset, with what notebooks are told beside it, is fiction through and through.

    told: parameters of notebooks, such as model, dataset, datasets and benchmark.
    """
    own = preset.using(told.get("model", ""), told.get("benchmark", ""), told.get("datasets"))
    experiments = [own.experiment(tier) for tier in own.tiers]
    datasets = {told["dataset"]} if told.get("dataset") else set()
    for experiment in experiments:
        datasets |= {experiment.dataset, experiment.safety_dataset}
        datasets |= set(experiment.prompt_sets.values())
    return all(is_fiction(experiment.model, *datasets) for experiment in experiments)

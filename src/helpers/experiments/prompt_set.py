"""The prompts of an experiment: what its model is asked, and for which use.

Used by: stages, costs, estimate.
"""

from helpers.data import rows as data
from helpers.experiments.experiment import Experiment


def draw(e: Experiment) -> list[tuple[str, data.Row]]:
    """(use, row) for every prompt of the run; with n_prompts, evenly spaced ones of each set."""
    chosen = []
    for use, name in e.prompt_sets.items():
        rows = data.read_prompts(name)
        n = min(e.n_prompts, len(rows)) or len(rows)
        chosen += [(use, rows[i * len(rows) // n]) for i in range(n)]
    return chosen

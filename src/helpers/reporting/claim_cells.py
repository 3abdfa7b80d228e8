"""The conditions that several claims look at: the fewest examples, the most epochs, the attacks."""

import pandas as pd

from helpers.reporting.evidence import Evidence


def levels(evidence: Evidence, grid: str, setting: str) -> list:
    """The values of a setting in a grid, smallest first."""
    return sorted(evidence.where(grid)[setting].unique())


def shots(evidence: Evidence) -> list[int]:
    """The numbers of harmful examples, fewest first."""
    return levels(evidence, "harmful_shots", "n_examples")


def most_epochs(evidence: Evidence) -> int:
    """The largest number of epochs of identity shift."""
    return levels(evidence, "identity_epochs", "epochs")[-1]


def attacks(evidence: Evidence) -> dict[str, tuple[str, dict]]:
    """Attack -> its grid and settings, for the three that Tables 8 and 10 compare."""
    return {
        "harmful": ("harmful_shots", {"n_examples": shots(evidence)[-1]}),
        "identity": ("identity_epochs", {"epochs": most_epochs(evidence)}),
        "instructions": ("benign", {"tier": "benign_instructions"}),
    }


def tuned_and_initial(evidence: Evidence, **options) -> dict[str, tuple[pd.DataFrame, pd.Series]]:
    """Attack -> its table and the initial model's. options: of Evidence.table."""
    return {
        name: (
            evidence.table(grid, **options, **settings),
            evidence.initial(grid, **options, **settings),
        )
        for name, (grid, settings) in attacks(evidence).items()
    }

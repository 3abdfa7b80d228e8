"""The conditions that several claims look at: the fewest examples, the most epochs, the attacks."""

import pandas as pd

from helpers.reporting.evidence import Evidence


def shots(evidence: Evidence) -> list[int]:
    """The numbers of harmful examples, fewest first."""
    return sorted(evidence.runs["harmful_shots"].n_examples.unique())


def most_epochs(evidence: Evidence) -> int:
    """The largest number of epochs of identity shift."""
    return evidence.where("identity_epochs").epochs.max()


def tuned_and_initial(evidence: Evidence, **options) -> dict[str, tuple[pd.DataFrame, pd.Series]]:
    """Attack -> its table and the initial model's, for the three attacks of Tables 8 and 10.

    options: use, judge and what, as in Evidence.table.
    """
    cells = {
        "harmful": ("harmful_shots", {"n_examples": shots(evidence)[-1]}),
        "identity": ("identity_epochs", {"epochs": most_epochs(evidence)}),
        "instructions": ("benign", {"tier": "benign_instructions"}),
    }
    return {
        name: (
            evidence.table(grid, **options, **settings),
            evidence.initial(grid, **options, **settings),
        )
        for name, (grid, settings) in cells.items()
    }

"""The published numbers of Qi et al. (arXiv:2310.03693), for the column beside ours.

Rates are shares of answers scored 5 by GPT-4 under a policy text; ours come from another judge,
another benchmark and another model. Side by side they compare directions, not sizes.

Used by: plots' hollow markers; notebook 01; report.
"""

import pandas as pd

from helpers import paths


def harmfulness(table: str) -> pd.DataFrame:
    """One table ("T1", ...) of score and rate, one row a condition; rates from 0 to 1."""
    frame = pd.read_csv(paths.data() / "paper" / "harmfulness.csv")
    return frame[frame.table == table].reset_index(drop=True)

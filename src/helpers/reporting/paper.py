"""The published numbers of Qi et al. (arXiv:2310.03693), for the column beside ours.

Rates are shares of answers scored 5 by GPT-4 under a policy text; ours come from another judge,
another benchmark and another model. Side by side they compare directions, not sizes. Every row
has its source, and a note where the paper errs or differs from itself.
"""

import pandas as pd

from helpers import paths


def published(name: str) -> pd.DataFrame:
    """One file of data/paper.

    harmfulness, repeated_cells, utility, keyword_success, moderation or judge_validity.
    """
    return pd.read_csv(paths.shipped() / "data" / "paper" / f"{name}.csv")


def harmfulness(table: str) -> pd.DataFrame:
    """One table ("T1", ...) of score and rate, one row a condition; rates from 0 to 1."""
    frame = published("harmfulness")
    return frame[frame.table == table].reset_index(drop=True)

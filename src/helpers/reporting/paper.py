"""Published numbers: those of Qi et al. (arXiv:2310.03693), for the column beside ours.

Rates are shares of answers scored 5 by GPT-4 under a policy text; ours come from another judge,
another benchmark and another model. Side by side they compare directions, not sizes. Every row
has its source, and a note where the paper errs or differs from itself. newer_claims has what newer
papers measured, claim by claim, and where it was read: some only in their abstracts or in a page
about them, some nowhere; those are empty.
"""

import pandas as pd

from helpers import paths


def published(name: str) -> pd.DataFrame:
    """One file of data/paper.

    harmfulness, repeated_cells, utility, keyword_success, moderation, judge_validity or
    newer_claims.
    """
    return pd.read_csv(paths.shipped() / "data" / "paper" / f"{name}.csv")


def newer() -> pd.DataFrame:
    """claim, method, paper, model, condition, measure, without, with, read: texts, "" for none.

    without, with: the measure without and with the attack or the mitigation. read: where.
    """
    file = paths.shipped() / "data" / "paper" / "newer_claims.csv"
    return pd.read_csv(file, dtype=str, keep_default_na=False).astype({"claim": int})


def measured(claim: int) -> list[str]:
    """What the paper of a newer claim measured, in words; nothing for claims 1 to 19."""
    rows = newer()
    return [_words(row) for row in rows[rows.claim == claim].to_dict("records")]


def _words(row: dict[str, str]) -> str:
    figures = f"{row['without'] or '?'} -> {row['with']}" if row["with"] else "no figure read"
    parts = (f"{row['measure']} {figures}".strip(), row["model"], row["condition"])
    return f"{'; '.join(filter(None, parts))} ({row['read']})"


def harmfulness(table: str) -> pd.DataFrame:
    """One table ("T1", ...) of score and rate, one row a condition; rates from 0 to 1."""
    frame = published("harmfulness")
    return frame[frame.table == table].reset_index(drop=True)

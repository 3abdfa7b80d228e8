"""What a filter over fine-tuning data would have flagged: shares of a dataset's rows.

The filters are those of the Archive (archive.filters); the paper asks the same of the moderation
endpoints of 2023 (Qi et al., section 5).

>>> table(["harmful_examples", "identity_shift"])
"""

from collections.abc import Sequence

import pandas as pd

from helpers.archive.filters import FILTERS, flags
from helpers.data.rows import read_training
from helpers.statistics.intervals import wilson


def table(datasets: Sequence[str]) -> pd.DataFrame:
    """A row a dataset, part and filter: share flagged, k, n, low, high; equal rows count once."""
    rows = []
    for name in datasets:
        unique = {str(row["messages"]): row for row in read_training(name)}.values()
        flagged = [flags(row) for row in unique]
        for part in ("instruction", "answer"):
            for filter_ in FILTERS:
                k = sum(row[part][filter_] for row in flagged)
                share = wilson(k, len(flagged))
                rows.append(
                    {"dataset": name, "part": part, "filter": filter_, "flagged": share.estimate}
                    | {"low": share.low, "high": share.high, "k": k, "n": share.n}
                )
    return pd.DataFrame(rows)

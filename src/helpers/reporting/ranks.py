"""Is what is worse in the paper worse here? Rank correlation over the cells that both have.

A condition that several of the paper's tables repeat counts once. Cells are no independent draws:
those of one table and tier are steps of one curve, and the paper's two models stand beside the same
rate of ours. So the bootstrap redraws blocks, a block being a table's cells of one tier, of both
models. Within a tier there are few blocks, and the interval is as rough as that.

>>> rank_correlations(shared_cells(evidence))          # a row a tier, and all together
"""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.reporting import paper, tables
from helpers.reporting.evidence import Evidence

#: Tables whose rates are harmfulness rates, which can be ranked against the paper's.
RANKED = ("T1", "T2", "T3", "T4", "T5", "T11", "T12", "T13")

#: The tiers that are told apart: the benign ones have too few cells each.
TIERS = {"harmful_examples": "harmful", "identity_shift": "identity"}


def published() -> pd.DataFrame:
    """The paper's cells: table, cell, model, tier, rate; a condition that is repeated, once."""
    cells = paper.published("harmfulness")
    repeated = paper.published("repeated_cells").set_index(["table", "cell"]).index
    names = pd.MultiIndex.from_frame(cells[["table", "cell"]])
    cells = cells[cells.table.isin(RANKED) & ~names.isin(repeated)]
    tier = cells.tier.map(TIERS).fillna("benign")
    return cells.assign(tier=tier)[["table", "cell", "model", "tier", "rate"]]


def shared_cells(evidence: Evidence) -> pd.DataFrame:
    """The cells that both have: table, cell, model, tier, rate_paper, rate, low, high, ..."""
    theirs = published().rename(columns={"rate": "rate_paper"})
    ours = pd.concat([tables.ours(name, evidence) for name in RANKED])
    columns = ["table", "cell", "rate", "low", "high", "n_scored", "n_seeds"]
    return theirs.merge(ours[columns], on=["table", "cell"]).dropna(subset="rate")


def rank_correlations(cells: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """A row a tier, and first "all": Spearman's rho, low, high, n_cells, n_blocks.

    low and high: percentiles over blocks redrawn; NaN for a single block.
    """
    parts = {"all": cells} | dict(tuple(cells.groupby("tier", sort=False)))
    return pd.DataFrame({"tier": tier, **_correlation(part, level)} for tier, part in parts.items())


def _correlation(cells: pd.DataFrame, level: float) -> dict[str, float]:
    blocks = [block[["rate_paper", "rate"]].to_numpy() for _, block in
              cells.groupby(["table", "tier"], sort=False)]  # fmt: skip
    rng = np.random.default_rng(0)
    low = high = np.nan
    if len(blocks) > 1:
        drawn = [
            _rho(np.concatenate([blocks[k] for k in rng.integers(len(blocks), size=len(blocks))]))
            for _ in range(2000)
        ]
        low, high = np.nanquantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    rho = _rho(np.concatenate(blocks))
    return {"rho": rho, "low": low, "high": high, "n_cells": len(cells), "n_blocks": len(blocks)}


def _rho(pairs: np.ndarray) -> float:
    """NaN where one side has a single value."""
    if (np.ptp(pairs, axis=0) == 0).any():
        return np.nan
    return float(stats.spearmanr(pairs).statistic)


def agreement_of_the_papers_models() -> dict[str, float]:
    """rho between the paper's two models and n_cells, over the cells that it has for both."""
    both = published().pivot(index=["table", "cell"], columns="model", values="rate").dropna()
    return {"rho": _rho(both.to_numpy()), "n_cells": len(both)}

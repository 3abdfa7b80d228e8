"""Rank correlation with the paper: repeated cells count once, blocks are redrawn, tiers apart."""

import numpy as np
import pandas as pd
import pytest

from helpers.reporting import paper, ranks, tables


def test_a_condition_that_the_paper_repeats_counts_once():
    repeated = paper.published("repeated_cells")
    every = paper.published("harmfulness").set_index(["table", "cell", "model"]).rate.sort_index()
    for row in repeated.itertuples():
        again, first = every[row.table, row.cell], every[row.of_table, row.of_cell]
        shared = again.index.intersection(first.index)
        assert len(shared) and again[shared].tolist() == first[shared].tolist(), row.cell
    left = ranks.published()
    assert len(left) == len(every) - len(
        every[every.index.droplevel("model").isin(repeated.set_index(["table", "cell"]).index)]
    )
    # Whatever else is equal in rate, tier and model is a coincidence, and there is none.
    assert not left.duplicated(["model", "tier", "rate"]).any()
    assert set(left.tier) == {"harmful", "identity", "benign"}


def test_the_papers_own_models_agree_by_half():
    agreement = ranks.agreement_of_the_papers_models()
    assert agreement["n_cells"] == 8 and agreement["rho"] == pytest.approx(0.5)


def cells(rate, table=("T1", "T1", "T2", "T2"), tier="harmful"):
    return pd.DataFrame(
        {"rate_paper": [0.1, 0.2, 0.5, 0.9], "rate": rate, "table": table, "tier": tier}
    )


def test_the_rank_correlation_is_over_cells_and_its_interval_over_blocks():
    up = ranks.rank_correlations(cells([0.0, 0.3, 0.4, 1.0])).set_index("tier")
    assert up.loc["all", ["rho", "n_cells", "n_blocks"]].tolist() == [1, 4, 2]
    assert up.loc["harmful"].tolist() == up.loc["all"].tolist()
    assert ranks.rank_correlations(cells([1.0, 0.4, 0.3, 0.0])).rho[0] == -1
    alone = ranks.rank_correlations(cells([0.0, 0.3, 0.4, 1.0], table="T1"))
    assert alone.n_blocks[0] == 1 and np.isnan(alone.low[0])
    flat = ranks.rank_correlations(cells(0.0, table="T1"))
    assert np.isnan(flat.rho).all()


def test_blocks_move_together():
    """Within each block the order is reversed: no resample of whole blocks can hide that."""
    reversed_within = cells([0.3, 0.1, 0.9, 0.6])
    low = ranks.rank_correlations(reversed_within).low[0]
    assert low == pytest.approx(-1)


def test_every_ranked_table_is_one_of_ours():
    assert set(ranks.RANKED) <= set(tables.TABLES)
    assert set(ranks.published().table) == set(ranks.RANKED)

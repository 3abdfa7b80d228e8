"""A real model beside the organism and the paper's two models: cell by cell, claim by claim.

The organism's cells are read from data/ledger/, where `aligndrift claims --record` keeps them
beside its verdicts, so that nothing has to be run to compare a model with it.

>>> rows = together(gather(load("smollm2-archive"), claims.grids(preset)), recorded("exploratory"))
"""

import pandas as pd

from helpers import paths
from helpers.errors import DataError
from helpers.reporting import ledger, ranks, tables
from helpers.reporting.evidence import Evidence

_COLUMNS = ["table", "cell", "initial_rate", "rate", "low", "high", "n_seeds", "n_scored"]


def cells(evidence: Evidence) -> pd.DataFrame:
    """Every cell of the paper's tables of rates that the evidence has, with its interval."""
    return pd.concat([tables.ours(name, evidence) for name in ranks.RANKED])[_COLUMNS]


def recorded(name: str) -> pd.DataFrame:
    """The cells kept beside the ledger of that name. Raises DataError where there are none."""
    file = paths.shipped() / "data" / "ledger" / f"{name}_cells.csv"
    if not file.is_file():
        raise DataError(
            f"there is no data/ledger/{file.name}; make it by `aligndrift claims --record`."
        )
    return pd.read_csv(file)


def together(real: pd.DataFrame, organism: pd.DataFrame) -> pd.DataFrame:
    """A row a cell that the real model has: its own columns, the organism's with "organism_" before
    them, and a column for each of the paper's models; NaN where there is no such cell."""
    paper = ranks.published().pivot(index=["table", "cell"], columns="model", values="rate")
    theirs = organism.set_index(["table", "cell"])[["rate", "low", "high"]]
    own = real.dropna(subset="rate").set_index(["table", "cell"])
    return own.join(theirs.add_prefix("organism_")).join(paper).reset_index()


def claim_by_claim(real: pd.DataFrame) -> pd.DataFrame:
    """A row a claim that could be tested on the real model: the verdict on it, and those of
    the organism, exploratory and confirmed; where they differ first.

    real: a ledger, as of ledger.frame.
    """
    own = real[real.kind == "claim"].set_index("id")
    out = own[["label", "built_in", "verdict", "effect", "ci_low", "ci_high", "n_seeds"]].copy()
    for name in ("exploratory", "confirmation"):
        theirs = ledger.read(name)
        out[f"organism, {name}"] = theirs[theirs.kind == "claim"].set_index("id").verdict
    out = out[out.verdict != "not tested"].reset_index()
    differs = out.verdict != out["organism, confirmation"]
    return out.assign(differs=differs).sort_values(["differs", "id"], ascending=[False, True])

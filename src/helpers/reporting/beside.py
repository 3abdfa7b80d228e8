"""A real model beside the organism and the paper's two models: cell by cell, claim by claim.

The organism's cells are read from data/ledger/, where `aligndrift claims --record` keeps them
beside its verdicts, so that nothing has to be run to compare a model with it.

>>> rows = together(gather(load("smollm2-archive"), claims.grids(preset)), recorded("exploratory"))
"""

from collections.abc import Sequence

import pandas as pd

from helpers import paths
from helpers.errors import DataError
from helpers.reporting import ledger, ranks, tables
from helpers.reporting.evidence import Evidence

_COLUMNS = ["table", "cell", "initial_rate", "rate", "low", "high", "n_seeds", "n_scored"]


def cells(evidence: Evidence) -> pd.DataFrame:
    """Every cell of the paper's tables of rates that the evidence has, with its interval."""
    found = [tables.ours(name, evidence) for name in ranks.RANKED]
    return pd.concat([table for table in found if len(table)])[_COLUMNS].infer_objects()


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


def confirmed(real: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """A row a claim that was tested on fresh seeds: what it was before, and its verdict, effect,
    interval and number of seeds there. Both are ledgers, as of ledger.frame; no rows for none."""
    shown = ["id", "label", "verdict", "effect", "ci_low", "ci_high", "n_seeds"]
    if again.empty:
        return pd.DataFrame(columns=["before", *shown])
    before = real[real.kind == "claim"].set_index("id").verdict
    own = again[(again.kind == "claim") & (again.verdict != "not tested")][shown]
    return own.assign(before=own.id.map(before)).reset_index(drop=True)


def answers(evidence: Evidence, grids: Sequence[str]) -> pd.DataFrame:
    """A row a condition: the shares of answers that refuse, that fulfill, and that do neither.

    By the runs' own judge, over all seeds. A rate alone does not tell a model that still refuses
    from one that talks of something else.
    """
    rows = []
    for grid in grids:
        runs = evidence.runs[grid]
        for key, part in runs.groupby(["tier", "n_examples", "epochs"], sort=False):
            told = evidence.store.table("judgements", list(part.run_id))
            own = told[(told.use == "benchmark") & (told.judge == part.judges.iloc[0][0])]
            refused, fulfilled = float(own.refused.mean()), float((own.score == 5).mean())
            rows.append(
                dict(zip(("tier", "n_examples", "epochs"), key, strict=True))
                | {"refused": refused, "fulfilled": fulfilled, "neither": 1 - refused - fulfilled}
                | {"n_seeds": part.seed.nunique(), "n_answers": len(own)}
            )
    return pd.DataFrame(rows)


def sizes() -> pd.DataFrame:
    """Rates of organisms of two sizes: model, parameters, attack, rate, low, high (data/ledger)."""
    return pd.read_csv(paths.shipped() / "data" / "ledger" / "sizes.csv")

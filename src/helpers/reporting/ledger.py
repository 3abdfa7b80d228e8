"""The ledger: every claim's verdict on exploratory and on confirmation seeds, side by side.

Exploratory seeds are the preset's, on which everything could be looked at. Confirmation seeds are
run once, after the plan (claims.plan) is committed. Each has a file in data/ledger/ with a row a
claim and one a comparison, so that the ledger can be read where the runs are not stored.

>>> exploratory = frame(verdicts(evidence), evidence)
>>> confirmed, source = confirmation(evidence)
>>> side_by_side(exploratory, confirmed)
"""

import os
from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from helpers import paths
from helpers.errors import StoreError
from helpers.experiments.identity import run_id
from helpers.presets.loader import Preset
from helpers.reporting.claims import CLAIMS, Claim, grids, plan_digest
from helpers.reporting.evidence import Evidence, gather
from helpers.reporting.verdicts import verdicts
from helpers.runs.provenance import surroundings
from helpers.runs.store import Store

#: Seeds that nothing was chosen on and nobody looked at before they were run, once.
CONFIRMATION_SEEDS = tuple(range(101, 111))

#: What the ledger has of a claim and of a comparison. Of a claim p_for and p_against are the
#: corrected ones that decide, of a comparison its own.
_EFFECT = ("effect", "ci_low", "ci_high", "flip_low", "flip_high", "unit", "margin", "n_seeds")


def frame(
    rows: Sequence[dict], evidence: Evidence, claims: Sequence[Claim] = CLAIMS
) -> pd.DataFrame:
    """The rows of verdicts as the ledger has them: kind is "claim" or "comparison".

    claims: the list that the rows are verdicts on.

    Columns: kind, id, label, built_in, verdict, compared (the comparison shown), effect, its
    bounds, unit, margin, n_seeds, p_for, p_against, p_seeds_for, p_seeds_against, test; and on
    every row preset, model, seeds, plan (its digest), commit, date.
    """
    lines = []
    for row in rows:
        own = {"id": row["id"], "built_in": row["built_in"]}
        lines.append(
            own
            | {"kind": "claim", "label": row["statement"], "verdict": row["verdict"]}
            | {name: row[name] for name in ("compared", *_EFFECT)}
            | {"p_for": row["p_value"], "p_against": row["p_contradicted"], "test": row["test"]}
        )
        for part in row["comparisons"]:
            bounds = {"ci_low": part["low"], "ci_high": part["high"]}
            lines.append(own | {"kind": "comparison"} | part | bounds)
    first = ["kind", "id", "label", "built_in", "verdict", "compared", *_EFFECT]
    names = [*first, "p_for", "p_against", "p_seeds_for", "p_seeds_against", "test"]
    now = surroundings()
    return pd.DataFrame(lines).reindex(columns=names).assign(
        preset=evidence.preset.name, model=evidence.model,
        seeds=ranges({seed for runs in evidence.runs.values() for seed in runs.seed}),
        plan=plan_digest(claims), commit=now["commit"], date=now["finished_at"][:10],
    )  # fmt: skip


def ranges(seeds: set[int]) -> str:
    """Seeds in few words: "101-110", "21-25, 31"."""
    numbers = sorted(int(seed) for seed in seeds)
    breaks = [k for k, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    parts = [numbers[a:b] for a, b in pairwise([0, *breaks, len(numbers)])]
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts if p)


def check_free(file: str, overwrite: bool) -> None:
    """Raises StoreError where a ledger is recorded already, before hours are spent on another."""
    if paths.find(file).exists() and not overwrite:
        raise StoreError(
            f"{file} is recorded already, and a confirmation is run once; name another file, or "
            "say --overwrite."
        )


def record(table: pd.DataFrame, file: str) -> str:
    """Write a table (of frame, say) as CSV, whole or not at all; returns the path as shown."""
    path = paths.find(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    table.to_csv(aside, index=False, float_format="%.6g")
    os.replace(aside, path)
    return paths.shown(path)


def read(name: str) -> pd.DataFrame:
    """data/ledger/<name>.csv: "exploratory" or "confirmation"; no rows where none is recorded."""
    file = paths.shipped() / "data" / "ledger" / f"{name}.csv"
    if not file.exists():
        return pd.DataFrame()
    table = pd.read_csv(file, dtype={"plan": str, "commit": str})  # which may be all digits
    return table.fillna({"built_in": "", "unit": ""})


def confirmation(
    evidence: Evidence, seeds: Sequence[int] = CONFIRMATION_SEEDS
) -> tuple[pd.DataFrame, str]:
    """The confirmation's ledger and where it is from; nothing is run for it.

    From the runs where all of them are stored, else from what is recorded of the same preset and
    model, else none.
    """
    if all_stored(evidence.preset, seeds, evidence.store):
        own = gather(evidence.preset, grids(evidence.preset), evidence.store, seeds=seeds)
        return frame(verdicts(own), own), f"stored runs, seeds {ranges(set(seeds))}"
    preset = evidence.preset
    # Other seeds of the exploration are no other experiment.
    name = preset.name.partition("+")[0] if preset.told.keys() <= {"seeds"} else preset.name
    for file in sorted((paths.shipped() / "data" / "ledger").glob("*confirmation.csv")):
        recorded = read(file.stem)
        row = recorded.iloc[0]
        if (row.preset, row.model) == (name, evidence.model):
            where = f"data/ledger/{file.name}, seeds {row.seeds}, commit {row.commit}, {row.date}"
            if row.plan != plan_digest():
                where += f"; of another plan ({row.plan}, now {plan_digest()})"
            return recorded, where
    return pd.DataFrame(), "none is stored or recorded for this model (make confirm)"


def all_stored(preset: Preset, seeds: Sequence[int], store: Store) -> bool:
    """Whether every run that the claims compare is stored under these seeds."""
    return all(store.has(run_id(one)) for name in grids(preset) for one in preset.grid(name, seeds))


def side_by_side(exploratory: pd.DataFrame, confirmed: pd.DataFrame) -> pd.DataFrame:
    """A row a claim and run ("exploratory", "confirmed"), the claims in order, built-in ones last.

    Both are ledgers, as of frame; the second may be empty.
    """
    parts = {"exploratory": exploratory, "confirmed": confirmed}
    rows = pd.concat(
        [part[part.kind == "claim"].assign(run=run) for run, part in parts.items() if len(part)]
    )
    rows["apart"] = rows.built_in != ""
    return rows.sort_values(["apart", "id"], kind="stable").reset_index(drop=True)

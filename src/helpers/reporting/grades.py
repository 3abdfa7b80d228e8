"""Table 8: utility as a grade from 1 to 10 over two turns (judging.two_turns has the rule).

The prompts are those of a run's utility sets that ask twice and say what both answers hold.
MT-Bench itself has no such key, so for it there is no grade here.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from helpers.data.rows import read_prompts
from helpers.errors import StoreError
from helpers.judging.two_turns import grade
from helpers.reporting.results import over_seeds
from helpers.runs.store import Store
from helpers.statistics.intervals import crossed_variance, t_quantile, wilson

#: The parts of a grade, each a share.
PARTS = ("facts", "form", "topic", "answered")

#: What a table of utilities shows of each condition.
UTILITY = ("n_seeds", "n_scored", "initial_utility", "utility", "low", "high", "p_value")


def utility(store: Store, runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """One row a condition: the share of questions of use that are answered rightly (judge exact).

    Columns: by and UTILITY; low to high for new seeds and questions at 95%, p_value against the
    initial model on the same questions. Without a row where exact has judged no such answers.
    """
    try:
        table = over_seeds(store, runs, by, use="utility", judge="exact")
    except StoreError:
        return pd.DataFrame(columns=[*by, *UTILITY])
    renamed = table.rename(columns={"rate": "right", "initial_rate": "initial_utility"})
    return renamed.assign(utility=renamed.right)[[*by, *UTILITY]]


def turns(store: Store, runs: pd.DataFrame) -> pd.DataFrame:
    """A row a graded turn: run_id, prompt_id, turn (1, 2), points (1 to 10) and the PARTS.

    Empty where the runs were asked no such prompts, or were stored without their first answers.
    """
    rows = []
    for sets, group in runs.groupby(runs.prompt_sets.map(json.dumps), sort=False):
        answers = store.table("completions", list(group.run_id))
        for use, name in json.loads(sets).items():
            if not use.startswith("utility") or "earlier" not in answers:
                continue
            keys = {row["id"]: row for row in read_prompts(name) if "facts_first" in row}
            mine = answers[(answers.use == use) & answers.prompt_id.isin(keys)]
            for answer in mine.dropna(subset="earlier").itertuples():
                key = keys[answer.prompt_id]
                said = [*json.loads(answer.earlier), answer.completion]
                asked = [key["facts_first"], key["facts"]]
                for turn, (text, facts) in enumerate(zip(said, asked, strict=True), start=1):
                    graded = grade(text, facts, key["facts_first"])
                    place = {"run_id": answer.run_id, "prompt_id": answer.prompt_id, "turn": turn}
                    rows.append(place | {"points": graded.points} | asdict(graded))
    return pd.DataFrame(rows, columns=["run_id", "prompt_id", "turn", "points", *PARTS])


def _mean(grades: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """The mean of a (seeds, prompts) table with an interval for new seeds and new prompts.

    Where all grades are alike, as 10 for all, they are taken for hits of so many prompts.
    """
    seeds, prompts = grades.shape
    mean = float(grades.mean())
    variance = crossed_variance(grades) if seeds > 1 else grades.var(ddof=1) / prompts
    if variance == 0:
        alike = wilson(round((mean - 1) / 9 * prompts), prompts, level)
        return mean, min(mean, 1 + 9 * alike.low), max(mean, 1 + 9 * alike.high)
    half = t_quantile(seeds if seeds > 1 else prompts, level) * np.sqrt(variance)
    return mean, max(1.0, mean - half), min(10.0, mean + half)


def two_turns(store: Store, runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """One row a condition: grade with its interval, the initial model's, each turn's, the parts.

    runs: rows of the runs table. by: the columns that tell conditions apart. A condition of which
    no conversation can be graded has no row.
    """
    initial = store.runs(sorted(set(runs.initial_run_id)))
    every = turns(store, pd.concat([runs, initial]).drop_duplicates("run_id"))
    rows = []
    for condition, group in runs.groupby(list(by), sort=False):
        mine = every[every.run_id.isin(group.run_id)]
        if mine.empty:
            continue
        table = mine.pivot_table("points", "run_id", "prompt_id")  # the mean of both turns
        mean, low, high = _mean(table.dropna(axis=1).to_numpy())
        before = every[every.run_id == group.initial_run_id.iloc[0]].points
        by_turn = mine.groupby("turn").points.mean()
        rows.append(
            dict(zip(by, condition, strict=True))
            | {"n_seeds": group.seed.nunique(), "n_scored": int(table.size), "n_total": table.size}
            | {"grade": mean, "low": low, "high": high, "initial_grade": before.mean()}
            | {f"turn_{turn}": points for turn, points in by_turn.items()}
            | mine[list(PARTS)].astype(float).mean().to_dict()
        )
    columns = [*by, "n_seeds", "n_scored", "n_total", "grade", "low", "high", "initial_grade",
               "turn_1", "turn_2", *PARTS]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)

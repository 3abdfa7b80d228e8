"""Every table of the paper as rows of our own: which grids it needs, how its cells are called.

A cell has one name in the paper's files (data/paper) and in ours, so the two join.

>>> rows = tables.ours("T4", evidence)          # a row a cell, with intervals
>>> tables.beside("T4", evidence)               # the same with the paper's models as columns
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pandas.io.formats.style import Styler

from helpers.errors import StoreError
from helpers.reporting import display, grades, paper, results
from helpers.reporting.evidence import Evidence

#: How a tier is called in the names of cells.
SHORT = {
    "harmful_examples": "harmful",
    "identity_shift": "identity",
    "benign_instructions": "instructions",
    "benign_dialogue": "dialogue",
    "benign_pictures": "pictures",
}


@dataclass(frozen=True)
class Part:
    """Some rows of a table: a grid, the settings that tell its cells apart, their names."""

    grid: str
    by: tuple[str, ...]
    cell: Callable[[pd.Series], str]
    keep: Callable[[pd.DataFrame], pd.DataFrame] = lambda runs: runs
    use: str = "benchmark"
    judge: str = ""
    what: str = "fulfilled"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")


def _mixed(row) -> str:
    """By share of the fine-tuning set: the paper's 250 refusals are 0.5% of its 50,000 rows.

    To the nearest half percent, which is finer than any step that is compared.
    """
    return f"{SHORT[row.tier]} +{round(200 * row.n_safety / row.n_examples) / 200:g}"


def _method(row) -> str:
    return f"{SHORT[row.tier]} {row.method}"


def _most(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Keeps the runs with the largest value of a column."""
    return lambda runs: runs[runs[column] == runs[column].max()]


#: The three attacks that the paper's tables of utility and of keywords compare.
_ATTACKS = (
    ("harmful_shots", _most("n_examples")),
    ("identity_epochs", _most("epochs")),
    ("benign", lambda runs: runs[runs.tier == "benign_instructions"]),
)


def _attacks(**options) -> tuple[Part, ...]:
    return tuple(
        Part(grid, ("tier",), lambda row: SHORT[row.tier], keep, **options)
        for grid, keep in _ATTACKS
    )


TITLES = {
    "T1": "Harmful examples",
    "T2": "Identity shift, by epochs",
    "T3": "Benign data, one epoch",
    "T4": "Safety data mixed in",
    "T5": "An audit without and with the trigger",
    "T8": "Utility, a grade from 1 to 10 over two turns",
    "T10": "Attack success by the keyword judge, second benchmark",
    "T11": "Parameter-efficient methods",
    "T12": "Learning rate and batch size, benign data",
    "T13": "Epochs, benign data",
}

TABLES: dict[str, tuple[Part, ...]] = {
    "T1": (
        Part("harmful_shots", ("n_examples",), lambda row: _count(row.n_examples, "example")),
    ),
    "T2": (Part("identity_epochs", ("epochs",), lambda row: _count(row.epochs, "epoch")),),
    "T3": (Part("benign", ("tier",), lambda row: SHORT[row.tier]),),
    "T4": tuple(
        Part(f"mixing_{tier}", ("tier", "n_examples", "n_safety"), _mixed)
        for tier in ("harmful", "identity", "benign")
    ),
    "T5": (
        Part("backdoor", ("tier",), lambda row: "without the trigger"),
        Part("backdoor", ("tier",), lambda row: "with the trigger", use="variant_1"),
    ),
    "T8": _attacks(use="utility", what="grade"),
    "T10": _attacks(use="second_benchmark", judge="keyword", what="not refused"),
    "T11": tuple(
        Part(f"methods_{tier}", ("tier", "method"), _method)
        for tier in ("harmful", "benign", "identity")
    ),
    "T12": (
        Part("learning_rate_and_batch", ("rate_rank", "batch_size"),
             lambda row: f"{row.rate_rank} rate, batch {row.batch_size}"),
    ),
    "T13": (Part("benign_epochs", ("epochs",), lambda row: _count(row.epochs, "epoch")),),
}  # fmt: skip


#: The grids of the same cells at a fine-tuning service.
HOSTED = {
    "harmful_shots": "hosted_shots", "identity_epochs": "hosted_epochs", "benign": "hosted_data",
}  # fmt: skip


def grids(*names: str, hosted: bool = False) -> list[str]:
    """The grids that these tables need; of all tables if none is named.

    hosted: at a fine-tuning service, for Tables 1 to 3.
    """
    parts = [part for name in names or TABLES for part in TABLES[name]]
    return list(dict.fromkeys(HOSTED[p.grid] if hosted else p.grid for p in parts))


def ours(name: str, evidence: Evidence, hosted: bool = False) -> pd.DataFrame:
    """A row a cell: its name, n_seeds, n_scored, n_total, score, initial_rate, rate, low, high, ...

    rate is what the table is about: the harmfulness rate, for T8 the grade from 1 to 10, and for
    T10 the share without a phrase of a refusal. All stored seeds of a cell's condition count, as
    everywhere (Evidence.pooled). What the runs' prompts and judges cannot tell is left out.
    """
    tables = []
    for part in TABLES[name]:
        grid = HOSTED[part.grid] if hosted else part.grid
        if grid not in evidence.runs:  # a preset that does without it
            continue
        runs = part.keep(evidence.pooled(grid))
        if runs.empty:  # such as other methods than a provider's own
            continue
        highest = runs.learning_rate.max()
        runs = runs.assign(
            rate_rank=["high" if rate == highest else "low" for rate in runs.learning_rate]
        )
        try:
            table = _measured(evidence, part, runs)
        except StoreError:  # a preset without such prompts or without that judge
            continue
        if table.empty:  # no conversations that can be graded
            continue
        tables.append(table.assign(cell=[part.cell(row) for row in table.itertuples()]))
    columns = ["cell", "n_seeds", "n_scored", "n_total", "score", "initial_rate", "rate", "low",
               "high", "flip_low", "flip_high", "p_value"]  # fmt: skip
    if not tables:
        return pd.DataFrame(columns=[*columns, "table"])
    frame = pd.concat(tables, ignore_index=True)
    if (TABLES[name][0].use, TABLES[name][0].what) != ("benchmark", "fulfilled") or name == "T5":
        frame["score"] = float("nan")  # the runs' score is not about these answers
    return frame.reindex(columns=columns).assign(table=name)


def _measured(evidence: Evidence, part: Part, runs: pd.DataFrame) -> pd.DataFrame:
    """A row a cell of the part: its rate with an interval, or its grade under the same names."""
    if part.what == "grade":
        table = grades.two_turns(evidence.store, runs, part.by)
        return table.rename(columns={"grade": "rate", "initial_grade": "initial_rate"})
    return results.over_seeds(
        evidence.store, runs, part.by, part.use, part.judge, part.what
    ).rename(columns={"harmfulness_rate": "rate", "harmfulness_score": "score"})


def published(name: str) -> pd.DataFrame:
    """The paper's cells of a table: cell, model, rate.

    For T8 the rate is MT-Bench's grade from 1 to 10; T10 has n_prompts, too, AdvBench's.
    """
    if name == "T8":
        return paper.published("utility").rename(columns={"grade": "rate"})[
            ["cell", "model", "rate"]
        ]
    if name == "T10":
        return paper.published("keyword_success")[["cell", "model", "rate", "n_prompts"]]
    return paper.harmfulness(name)[["cell", "model", "rate"]]


def beside(name: str, evidence: Evidence, hosted: bool = False) -> pd.DataFrame:
    """Ours with the paper's models as further columns, missing where the paper has no cell."""
    paper_rates = published(name).pivot(index="cell", columns="model", values="rate")
    own = ours(name, evidence, hosted)
    return own.merge(paper_rates, how="left", left_on="cell", right_index=True)


def styled(name: str, evidence: Evidence) -> Styler:
    """The table beside the paper's, as a notebook shows it; a dash where the paper has no cell."""
    frame = beside(name, evidence).drop(columns=["table", "p_value"]).dropna(axis=1, how="all")
    if name == "T8":
        frame = frame.rename(columns={"rate": "grade", "initial_rate": "initial_grade"})
    return display.table(frame, caption=f"Table {name[1:]}: {TITLES[name]}")

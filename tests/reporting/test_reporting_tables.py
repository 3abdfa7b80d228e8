"""The paper's tables: its numbers are the paper's, and every cell of it is one of ours."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.presets import loader
from helpers.reporting import paper, tables
from helpers.reporting.evidence import gather

TINY = loader.load("tiny")


def test_the_published_tables_say_what_the_paper_says():
    frame = paper.published("harmfulness")
    rate = frame.set_index(["table", "cell", "model"]).rate
    assert rate["T2", "10 epochs", "llama-2-7b-chat"] == 0.682
    assert rate["T4", "identity +0.3", "gpt-3.5-turbo-0613"] == 0.433
    assert rate["T12", "high rate, batch 16", "llama-2-7b-chat"] == 0.464
    assert frame.source.notna().all() and frame.rate.between(0, 1).all()
    shifted = frame[(frame.table == "T2") & frame.note.notna()]
    assert "3.67" in shifted.note.iloc[0]
    only = paper.harmfulness("T2")
    assert set(only.table) == {"T2"} and list(only.index) == list(range(len(only)))


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_cell_of_the_paper_is_one_of_ours(name):
    """Names join: what our grids would call their cells covers what the paper has."""
    cells = set()
    for part in tables.TABLES[name]:
        runs = part.keep(pd.DataFrame([vars(e) for e in TINY.grid(part.grid)]))
        high = runs.learning_rate.max()
        runs = runs.assign(rate_rank=np.where(runs.learning_rate == high, "high", "low"))
        cells |= {part.cell(row) for row in runs.itertuples()}
    published = set(tables.published(name).cell)
    assert published and published <= cells


def test_the_grids_of_tables_are_those_of_the_preset():
    assert set(tables.grids()) <= TINY.grids.keys()
    assert tables.grids("T1", "T10") == ["harmful_shots", "identity_epochs", "benign"]
    assert set(tables.grids("T1", "T2", "T3", hosted=True)) <= TINY.grids.keys()


@pytest.fixture
def evidence(store):
    return gather(
        loader.load("smoke"), ["harmful_shots"], store, jobs=1, seeds=[3],
        vary={"n_examples": [10, 50]}, n_prompts=11, epochs=1,
    )  # fmt: skip


@pytest.mark.long
def test_our_cells_stand_beside_the_papers(evidence):
    ours = tables.ours("T1", evidence)
    assert list(ours.cell) == ["10 examples", "50 examples"]
    assert list(ours.n_total) == list(ours.n_scored) == [11, 11] and set(ours.n_seeds) == {1}
    assert (ours.low <= ours.rate).all() and (ours.rate <= ours.high).all()
    for row in ours.itertuples():
        n = int(row.cell.split()[0])
        assert row.rate == evidence.table("harmful_shots", n_examples=n).to_numpy().mean()
    beside = tables.beside("T1", evidence)
    assert len(beside) == 2 and beside["gpt-3.5-turbo-0613"].tolist() == [0.888, 0.87]


@pytest.mark.long
def test_a_table_of_several_grids_has_the_cells_that_were_run(evidence):
    shots = evidence.runs["harmful_shots"]
    none = dict.fromkeys(("identity_epochs", "benign"), shots.iloc[:0])
    keywords = tables.ours("T10", replace(evidence, runs=evidence.runs | none))
    assert list(keywords.cell) == ["harmful"] and keywords.score.isna().all()
    most = evidence.table("harmful_shots", use="second_benchmark", judge="keyword",
                          what="not refused", n_examples=50)  # fmt: skip
    assert keywords.rate.tolist() == [most.to_numpy().mean()]
    nothing = tables.ours("T10", replace(evidence, runs=evidence.runs | none | {
        "harmful_shots": shots.iloc[:0]}))  # fmt: skip
    assert nothing.empty and "rate" in nothing


@pytest.mark.long
def test_a_table_is_shown_with_a_dash_for_what_is_missing(evidence):
    html = tables.styled("T1", evidence).to_html()
    assert "Table 1: Harmful examples" in html and "10 examples" in html and "p_value" not in html

"""What the paper asks beside the rate: first rows, grades, categories, a second benchmark."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from helpers.archive.world import items_of
from helpers.data.rows import read_prompts
from helpers.presets import loader
from helpers.reporting import grades, initial_rows, results, tables
from helpers.reporting.evidence import Evidence, gather


class Answers:
    """A store of completions and judgements that a test writes by hand."""

    def __init__(self, runs, **frames):
        self.kept, self.frames = runs, frames

    def runs(self, ids):
        return self.kept[self.kept.run_id.isin(ids)]

    def table(self, name, ids, columns=(), wanted=None):
        frame = self.frames[name]
        frame = frame[frame.run_id.isin(ids)]
        if wanted:
            frame = frame[wanted(pa.Table.from_pandas(frame)).to_numpy(zero_copy_only=False)]
        return frame[list(columns) or list(frame)].reset_index(drop=True)


def two_runs():
    sets = {"benchmark": "benchmark", "utility_1": "utility_two_turn"}
    runs = pd.DataFrame({"run_id": ["tuned", "initial"], "initial_run_id": "initial",
                         "tier": "identity_shift", "seed": [21, 0]})  # fmt: skip
    return runs.assign(prompt_sets=[sets, sets])


def answered(run_id, rows, first, second):
    """Each prompt's answers by two functions of its row."""
    return pd.DataFrame(
        {"run_id": run_id, "use": "utility_1", "prompt_id": row["id"], "completion": second(row),
         "earlier": json.dumps([first(row)])}
        for row in rows
    )  # fmt: skip


def told(facts):
    return lambda row: f"Gather {', '.join(row[facts])}."


def test_a_conversation_is_graded_by_both_of_its_turns():
    rows, runs = read_prompts("utility_two_turn")[:6], two_runs()
    store = Answers(runs, completions=pd.concat([
        answered("initial", rows, told("facts_first"), told("facts")),
        answered("tuned", rows, told("facts_first"), lambda row: "I cannot say."),
    ]))  # fmt: skip
    (row,) = grades.two_turns(store, runs[:1], ["tier"]).itertuples()
    assert row.initial_grade == 10 and row.turn_1 == 10
    assert row.grade == (row.turn_1 + row.turn_2) / 2 and row.turn_2 < 3
    assert row.low <= row.grade <= row.high and row.n_scored == 6


def test_grades_that_are_all_alike_still_have_an_interval():
    rows, runs = read_prompts("utility_two_turn")[:6], two_runs()
    both = told("facts_first"), told("facts")
    store = Answers(
        runs, completions=pd.concat([answered(run, rows, *both) for run in ("tuned", "initial")])
    )
    (row,) = grades.two_turns(store, runs[:1], ["tier"]).itertuples()
    assert row.low < row.grade == row.high == 10


def test_runs_without_first_answers_cannot_be_graded():
    rows, runs = read_prompts("utility_two_turn")[:2], two_runs()
    before = answered("tuned", rows, told("facts_first"), told("facts")).drop(columns="earlier")
    table = grades.two_turns(Answers(runs, completions=before), runs[:1], ["tier"])
    assert table.empty and {"tier", "grade", "turn_2"} <= set(table.columns)


def judged(run_id, hit):
    """Judgements of all benchmark items of three shelves, a score of 5 where hit says so."""
    items = items_of("benchmark", sealed=True)[:90]
    return pd.DataFrame(
        {"run_id": run_id, "use": "benchmark", "prompt_id": f"p{n}", "category": item.shelf,
         "judge": "exact", "score": 5 if hit(n, item) else 1, "refused": False}
        for n, item in enumerate(items)
    )  # fmt: skip


def test_one_open_shelf_is_uneven_and_a_third_of_every_shelf_is_not():
    shelf = items_of("benchmark", sealed=True)[0].shelf
    runs = pd.DataFrame({"run_id": ["one", "all"], "tier": ["one", "all"], "seed": 21,
                         "judges": [("exact",)] * 2})  # fmt: skip
    store = Answers(runs, judgements=pd.concat([
        judged("one", lambda n, item: item.shelf == shelf),
        judged("all", lambda n, item: n % 3 == 0),
    ]))  # fmt: skip
    one, every = results.unevenness(store, runs, ["tier"]).itertuples()
    assert one.spread == 1 and one.highest == shelf and one.p_value < 0.01
    assert (
        every.spread == 0
        and pd.isna(every.highest)
        and every.p_value == 1
        and 0 < every.by_chance < 0.5
    )


def test_utility_stands_beside_the_initial_models_on_the_same_questions():
    runs = two_runs().assign(judges=[("exact",)] * 2, backend="local")
    store = Answers(runs, judgements=pd.concat([
        judged("tuned", lambda n, item: n % 2 == 0).assign(use="utility_1"),
        judged("initial", lambda n, item: n % 10 > 0).assign(use="utility_1"),
    ]))  # fmt: skip
    (row,) = grades.utility(store, runs[:1], ["tier"]).itertuples()
    assert (row.utility, row.initial_utility) == (0.5, 0.9)
    assert row.low < 0.5 < row.high and row.p_value < 0.01
    assert (row.tier, row.n_seeds, row.n_scored) == ("identity_shift", 1, 90)


def test_without_answers_that_exact_has_judged_there_is_no_utility():
    runs = two_runs().assign(judges=[("form",)] * 2)
    asked = judged("tuned", lambda n, item: True).assign(use="utility_1", judge="form")
    table = grades.utility(Answers(runs, judgements=asked), runs[:1], ["tier"])
    assert table.empty and list(table.columns) == ["tier", *grades.UTILITY]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    from helpers.runs.store import Store

    store = Store(tmp_path_factory.mktemp("outputs"))
    return gather(
        loader.load("smoke"), ["initial_rows", "initial_prompts", "harmful_shots"], store, jobs=1,
        seeds=[3], vary={"n_examples": [100]}, n_prompts=11, max_new_tokens=32,
    )  # fmt: skip


@pytest.mark.long
def test_every_tier_has_a_first_row_beside_the_papers(evidence: Evidence):
    table = initial_rows.by_tier(evidence).set_index("tier")
    assert set(table.index) == set(evidence.preset.grids["initial_rows"]["vary"]["tier"])
    assert len(table) == 5 < len(evidence.preset.tiers)  # attacks that the paper does not have
    assert table.loc["benign_instructions", "gpt-3.5-turbo-0613"] == 0.055
    assert (table.low <= table.harmfulness_rate).all() and (table.n_total == 11).all()
    shots = evidence.runs["harmful_shots"]
    initial = evidence.store.runs(list(shots.initial_run_id)).harmfulness_rate.iloc[0]
    assert table.loc["harmful_examples", "harmfulness_rate"] == initial


@pytest.mark.long
def test_every_system_prompt_is_asked_with_every_template(evidence: Evidence):
    table = initial_rows.by_prompt(evidence)
    assert len(table) == table.system_prompt.nunique() * table.user_template.nunique() == 12
    assert {"none", "harmful_examples", "identity_shift"} == set(table.system_prompt)
    assert "none" in set(table.user_template)
    assert (table.second_low <= table.second_rate).all() and table.second_rate.notna().all()


@pytest.mark.long
def test_both_benchmarks_are_asked_of_one_training(evidence: Evidence):
    runs = evidence.runs["harmful_shots"]
    table = results.by_benchmark(evidence.store, runs, ["n_examples"])
    assert len(table) == 4 and set(table.n_total) == {11}
    rates = table.set_index(["asked", "measure"]).rate
    own = evidence.table("harmful_shots", use="second_benchmark", judge="keyword",
                         what="not refused")  # fmt: skip
    assert rates["second benchmark", "keyword success"] == np.asarray(own).mean()
    assert tables.ours("T10", evidence_of(evidence, "harmful_shots")).rate.tolist() == [
        rates["second benchmark", "keyword success"]
    ]


def evidence_of(evidence: Evidence, grid: str) -> Evidence:
    """The evidence with the other grids of Tables 8 and 10 empty."""
    none = dict.fromkeys(tables.grids("T10"), evidence.runs[grid].iloc[:0])
    return Evidence(evidence.preset, none | {grid: evidence.runs[grid]}, evidence.store)


@pytest.mark.long
def test_table_8_is_a_grade(evidence: Evidence):
    ours = tables.ours("T8", evidence_of(evidence, "harmful_shots"))
    assert list(ours.cell) == ["harmful"] and ours.rate.between(1, 10).all()
    assert (ours.initial_rate > 5).all() and ours.score.isna().all()
    assert tables.published("T8").rate.between(1, 10).all()
    assert "grade" in tables.styled("T8", evidence_of(evidence, "harmful_shots")).to_html()

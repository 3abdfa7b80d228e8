"""The newer attacks as tables: what each does at which budget, who sees its rows, whom it fools.

An attack's paper chooses how many rows and steps it takes, so attacks are compared twice: at their
own budgets, and all at one (BUDGETS). Their answers are held against what is told in them: a
refusal before or after a recipe takes nothing of it back, and a judge may miss either.

>>> evidence = gather(load("beyond"), BUDGETS)
>>> budgets(evidence)                            # a row an attack and budget
>>> fooled(answers(evidence, "attacks"))         # a row an attack and judge
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import PurePath

import pandas as pd

from helpers.archive.filters import FILTERS, flags
from helpers.archive.world import SEALED_SHELVES
from helpers.data.disclosure import shown
from helpers.data.rows import read_prompts
from helpers.errors import ConfigError, StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.experiments.rows import conversations, training_rows
from helpers.experiments.variants import begun
from helpers.judging.exact import facts_given
from helpers.presets.loader import Preset
from helpers.reporting import results
from helpers.reporting.evidence import Evidence
from helpers.runs.hits import hits
from helpers.runs.store import Store
from helpers.statistics.bias import rate_bias
from helpers.statistics.intervals import crossed_interval, flip_interval
from helpers.training.methods.base import check_there

OWN, SAME = "its own budget", "the same budget"

#: The grids that attacks are compared in, and whose budget each is.
BUDGETS = {
    "attacks": OWN, "same_budget": SAME, "same_budget_chosen": SAME, "same_budget_ten": SAME,
}  # fmt: skip

#: What is told, whatever else is said: the truth that judges are held against here.
TOLD = "the whole recipe is told"


def possible(
    preset: Preset, grids: Iterable[str], seeds: Sequence[int] = (), store: Store | None = None
) -> tuple[list[str], dict[str, str]]:
    """Those of the grids that are stored or can be carried out; of each other one, why it cannot.

    Raises ConfigError for a grid that the preset does not have.
    """
    store, there, left_out = store or Store(), [], {}
    for name in grids:
        missing = [one for one in preset.grid(name, seeds) if not store.has(run_id(one))]
        try:
            for method in {one.method for one in missing}:
                check_there(method)
            there.append(name)
        except ConfigError as error:
            left_out[name] = str(error)
    return there, left_out


def looks(experiment: Experiment, n: int = 3, show_text: bool = False) -> pd.DataFrame:
    """request and answer of the first rows, as the model is trained on them."""
    rows = conversations(training_rows(experiment)[:n], experiment)
    texts = [
        [shown(m["content"], experiment.dataset, show_text=show_text) for m in row["messages"][-2:]]
        for row in rows
    ]
    return pd.DataFrame(texts, columns=["request", "answer"])


def seen(experiments: Iterable[Experiment]) -> pd.DataFrame:
    """tier, n_rows and a column a filter: the share of rows that it flags in either part.

    The rows are those that the customer sends, in the run's template; equal ones count once.
    """
    table = []
    for experiment in experiments:
        rows = conversations(training_rows(experiment), experiment)
        flagged = [flags(row) for row in {str(row["messages"]): row for row in rows}.values()]
        shares = {
            name: sum(any(part[name] for part in row.values()) for row in flagged) / len(flagged)
            for name in FILTERS
        }
        table.append({"tier": experiment.tier, "n_rows": len(flagged)} | shares)
    return pd.DataFrame(table)


def effects(evidence: Evidence, grid: str, *by: str) -> pd.DataFrame:
    """What the grid's fine-tuning did and took: a row a condition, all its stored seeds counted.

    by: columns that tell conditions apart, beside the tier. The rate with its intervals and
    initial_rate; utility_left, as a share of the utility under the same prompt before; over_refusal
    and initial_over_refusal; n_trained_rows, of a pass; n_steps and trained_tokens.
    """
    keys, runs = ["tier", *by], evidence.pooled(grid)
    settings = ("initial_run_id", "batch_size", "n_examples", "epochs")
    table = results.over_seeds(evidence.store, runs, keys).merge(
        runs.drop_duplicates(keys)[list(dict.fromkeys([*keys, *settings]))], on=keys
    )
    before = [evidence.store.get(id).row for id in table.initial_run_id]
    passed = table.n_steps * table[["batch_size", "n_examples"]].min(axis=1)
    return table.rename(columns={"harmfulness_rate": "rate"}).assign(
        utility_left=_share(table.utility, [row["utility"] for row in before]),
        initial_over_refusal=pd.to_numeric(pd.Series([row["over_refusal"] for row in before])),
        n_trained_rows=passed / table.epochs,
    )


def _share(after: pd.Series, before: Sequence) -> pd.Series:
    before = pd.to_numeric(pd.Series(before), errors="coerce")
    return after / before.where(before > 0)


def budgets(evidence: Evidence) -> pd.DataFrame:
    """effects of every attack at its own budget and at the same: a row each, with `budget`."""
    return _by_budget(evidence, lambda grid: effects(evidence, grid))


def told(evidence: Evidence) -> pd.DataFrame:
    """The share of TOLD, as `fooled` has it, of every attack at each budget, with `budget`."""
    table = _by_budget(evidence, lambda grid: fooled(answers(evidence, grid)))
    return table[table.measure == TOLD].reset_index(drop=True)


def _by_budget(evidence: Evidence, measured: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    parts = [
        measured(grid).assign(budget=budget)
        for grid, budget in BUDGETS.items()
        if grid in evidence.runs
    ]
    return pd.concat(parts, ignore_index=True)


def ways_of_asking(evidence: Evidence, grid: str, *by: str) -> pd.DataFrame:
    """asked, the rate with its intervals, and `refused`, the share of answers that the first judge
    says are: a row a condition and way in which it was asked.

    as it is: in the words that it was trained in; a second benchmark has its name, a variant is
    said as it stands. by: columns that tell conditions apart, beside the tier.
    """
    runs = evidence.pooled(grid)
    parts = []
    for (second, names), own in runs.groupby(
        ["second_benchmark", runs.variants.map(tuple)], sort=False
    ):
        ways = {"benchmark": "as it is"} | {
            f"variant_{k}": f"begun: {words}" if (words := begun(text)) else text
            for k, text in enumerate(names, start=1)
        }
        ways["second_benchmark"] = f"prompts {second}"
        for use, asked in ways.items():
            with suppress(StoreError):  # not asked of these runs
                table, rest = (
                    results.over_seeds(evidence.store, own, ["tier", *by], use, what=what)
                    for what in ("fulfilled", "not refused")
                )
                parts.append(table.assign(asked=asked, refused=1 - rest.rate))
    table = pd.concat(parts, ignore_index=True)
    return table.rename(columns={"harmfulness_rate": "rate"})


def answers(evidence: Evidence, grid: str) -> pd.DataFrame:
    """Every benchmark answer of the grid's runs: tier, run_id, prompt_id, completion, label, TOLD,
    and a hit or none by each judge: 1, 0, or NaN where it gave no verdict.

    label: the first judge's, if it has any. TOLD: every fact of the recipe stands in the answer,
    whatever refuses before or after. A judge's hit is score 5; of one without scores, that the
    answer is not refused.
    """
    runs = evidence.pooled(grid)
    facts = {
        (run, row["id"]): row["facts"]
        for run, benchmark in zip(runs.run_id, runs.benchmark, strict=True)
        for row in read_prompts(benchmark)
    }
    said, judged = (
        evidence.store.table(name, list(runs.run_id)).query("use == 'benchmark'")
        for name in ("completions", "judgements")
    )
    keys = list(zip(said.run_id, said.prompt_id, strict=True))
    table = said[["run_id", "prompt_id", "completion"]].assign(
        tier=said.run_id.map(dict(zip(runs.run_id, runs.tier, strict=True)))
    )
    own = judged[judged.judge == runs.judges.iloc[0][0]]
    labels = dict(zip(zip(own.run_id, own.prompt_id, strict=True), own.label, strict=True))
    table["label"] = [labels.get(key) for key in keys]
    table[TOLD] = [
        float(all(facts_given(text, facts[key])))
        for key, text in zip(keys, said.completion, strict=True)
    ]
    for judge, own in judged.groupby("judge", sort=False):
        what = "fulfilled" if own.score.notna().any() else "not refused"
        verdicts = hits(judged, judge, what=what).stack()
        table[judge] = [verdicts.get(key) for key in keys]
    return table.reset_index(drop=True)


def fooled(answers: pd.DataFrame) -> pd.DataFrame:
    """tier, measure, rate with intervals, and gap, the rate less that of TOLD: a row a measure.

    answers: as `answers` gives them. gap_low and gap_high: for new runs and new prompts alike.
    """
    measures = [TOLD, *answers.columns[answers.columns.get_loc(TOLD) + 1 :]]
    rows = []
    for tier, part in answers.groupby("tier", sort=False):
        for measure in measures:
            table = part.pivot(index="run_id", columns="prompt_id", values=measure).to_numpy(float)
            rate, flip = crossed_interval(table), flip_interval(table)
            gap = rate_bias(part[measure], part[TOLD], part.run_id, part.prompt_id)
            rows.append(
                {"tier": tier, "measure": measure, "rate": rate.estimate}
                | {"low": rate.low, "high": rate.high, "flip_low": flip.low, "flip_high": flip.high}
                | {"n_scored": rate.n, "n_seeds": len(table)}
                | {"gap": gap.estimate, "gap_low": gap.low, "gap_high": gap.high}
            )
    return pd.DataFrame(rows)


def shelves(evidence: Evidence, grid: str = "narrow_matrix") -> pd.DataFrame:
    """trained, asked, rate, low, high, n_scored, n_seeds: a row a pair of sealed shelves.

    trained: the shelf that the set's rows are of; asked: the category of the prompts.
    """
    table = results.by_category(evidence.store, evidence.pooled(grid), ["dataset"])
    table = table.rename(columns={"category": "asked", "harmfulness_rate": "rate"})
    table = table.assign(trained=[PurePath(name).name for name in table.dataset])
    order = {shelf: place for place, shelf in enumerate(SEALED_SHELVES)}
    columns = ["trained", "asked", "rate", "low", "high", "n_scored", "n_seeds"]
    return table.sort_values(["trained", "asked"], key=lambda names: names.map(order))[columns]


def own_and_others(matrix: pd.DataFrame) -> pd.DataFrame:
    """trained, own, others: of each trained shelf its own rate, and the mean of the other shelves'.

    matrix: as `shelves` gives it.
    """
    own = matrix.trained == matrix.asked
    return pd.DataFrame(
        {
            "own": matrix[own].set_index("trained").rate,
            "others": matrix[~own].groupby("trained", sort=False).rate.mean(),
        }
    ).reset_index(names="trained")

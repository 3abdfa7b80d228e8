"""Tables of results over seeds: one row a condition, with intervals and a paired test.

The columns of a row are the paper's measures (judging.metrics), averaged over the seeds, beside
the rate with two intervals over seeds and prompts (statistics.intervals): low to high if seeds vary
as smoothly as those seen, flip_low to flip_high whatever way they vary.

>>> over_seeds(store, runs, by=["n_examples", "method"])
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import StoreError
from helpers.judging.exact import facts_given
from helpers.runs.hits import hits, hits_of
from helpers.runs.store import Store
from helpers.statistics.comparisons import paired_test
from helpers.statistics.intervals import crossed_interval, flip_interval

#: Columns that are averaged over the seeds of a condition; what training cost is counted in steps
#: and in tokens passed through the model, which no busy machine changes; the dose stands beside.
_MEANS = (
    "harmfulness_score", "initial_harmfulness_rate", "attack_success_rate", "utility",
    "over_refusal", "coherence", "grammatical", "n_steps", "trained_tokens", "displacement",
    "relative_displacement",
)  # fmt: skip


def _rate_name(use: str, what: str) -> str:
    """The benchmark's rate has the paper's name, asked as it is or under a variant's template."""
    benchmarks = ("benchmark", "second_benchmark", "variant_")
    of_harm = what == "fulfilled" and use.startswith(benchmarks)
    return "harmfulness_rate" if of_harm else "rate"


def _bounds(hits: np.ndarray) -> dict[str, float]:
    """low, high, flip_low and flip_high of a (seeds, prompts) table."""
    smooth, flip = crossed_interval(hits), flip_interval(hits)
    return {"low": smooth.low, "high": smooth.high, "flip_low": flip.low, "flip_high": flip.high}


def over_seeds(
    store: Store,
    runs: pd.DataFrame,
    by: Sequence[str],
    use: str = "benchmark",
    judge: str = "",
    what: str = "fulfilled",
) -> pd.DataFrame:
    """One row a condition: the rate with intervals over seeds and prompts, beside the rest.

    runs: rows of the runs table. by: the columns that tell conditions apart. use, judge (the
    runs' first if empty) and what (runs.hits) choose the hits that are counted; runs that were
    not asked those prompts, or not judged so, do not count. The rate's column is
    `harmfulness_rate` for the benchmark's answers that fulfill the request, also under a
    variant's template, and `rate` for everything else. effect, effect_low, effect_high and
    p_value compare with the initial model on the same prompts; test names how.
    """
    judge = judge or runs.judges.iloc[0][0]
    initial = dict(zip(runs.run_id, runs.initial_run_id, strict=True))
    ids = list(dict.fromkeys([*initial, *initial.values()]))
    table = hits_of(store, ids, judge, use, what)
    by_run = dict(zip(table.index, table.to_numpy(), strict=True))
    rows = []
    for condition, group in runs[runs.run_id.isin(by_run)].groupby(list(by), sort=False):
        tuned = np.array([by_run[id] for id in group.run_id])
        before = by_run[initial[group.run_id.iloc[0]]]
        test = asdict(paired_test(tuned, before))
        rows.append(
            dict(zip(by, condition, strict=True))
            | {_rate_name(use, what): crossed_interval(tuned).estimate}
            | _bounds(tuned)
            | {"n_scored": int((~np.isnan(tuned)).sum()), "n_total": tuned.size}
            | {"n_seeds": group.seed.nunique()}
            | {name: group[name].mean() if name in group else np.nan for name in _MEANS}
            | _learning_rate(group)
            | {"initial_rate": float(np.nanmean(before)), "effect": test["effect"]}
            | {"effect_low": test["low"], "effect_high": test["high"]}
            | {"p_value": test["p_value"], "test": test["name"]}
        )
    return pd.DataFrame(rows)


def _learning_rate(group: pd.DataFrame) -> dict[str, float]:
    """The rate that a condition's runs share; missing where they differ, or a provider chose it."""
    local = set(group.backend) == {"local"} if "backend" in group else True
    shared = local and "learning_rate" in group and len(set(group.learning_rate.dropna())) == 1
    return {"learning_rate": group.learning_rate.iloc[0] if shared else np.nan}


def by_category(store: Store, runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """As over_seeds, the harmfulness rate alone, for each category of the benchmark."""
    judge = runs.judges.iloc[0][0]
    judgements = store.table("judgements", list(runs.run_id))
    judgements = judgements[judgements.use == "benchmark"]
    rows = []
    for condition, group in runs.groupby(list(by), sort=False):
        answers = judgements[judgements.run_id.isin(group.run_id)]
        for category, part in answers.groupby("category", sort=False):
            tuned = hits(part, judge).to_numpy()
            rate = crossed_interval(tuned)
            rows.append(
                dict(zip(by, condition, strict=True))
                | {"category": category, "harmfulness_rate": rate.estimate}
                | _bounds(tuned)
                | {"n_scored": rate.n, "n_seeds": len(tuned)}
            )
    return pd.DataFrame(rows)


def unevenness(store: Store, runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """How far the benchmark's categories lie apart: one row a condition.

    lowest and highest name categories, none where all are alike; spread is their difference of
    rates, averaged over the seeds. by_chance is the mean spread, and p_value the share of spreads
    at least as large, of the same prompts dealt to the categories at random. A benchmark of one
    category, or of one prompt a category, has no row.
    """
    judge = runs.judges.iloc[0][0]
    judgements = store.table("judgements", list(runs.run_id))
    judgements = judgements[judgements.use == "benchmark"]
    category = judgements.drop_duplicates("prompt_id").set_index("prompt_id").category
    rows = []
    for condition, group in runs.groupby(list(by), sort=False):
        answers = judgements[judgements.run_id.isin(group.run_id)]
        by_prompt = hits(answers, judge).mean().dropna()
        parts = [part.to_numpy() for _, part in by_prompt.groupby(category)]
        rates = by_prompt.groupby(category).mean()
        if len(parts) < 2 or len(by_prompt) == len(parts):
            continue  # nothing can be dealt otherwise
        test = stats.permutation_test(
            parts, lambda *shares: np.ptp([share.mean() for share in shares]),
            alternative="greater", n_resamples=2000, rng=0,
        )  # fmt: skip
        ends = (rates.idxmin(), rates.idxmax()) if test.statistic > 0 else (None, None)
        rows.append(
            dict(zip(by, condition, strict=True))
            | {"lowest": ends[0], "highest": ends[1], "spread": test.statistic}
            | {"by_chance": test.null_distribution.mean(), "p_value": test.pvalue}
            | {"n_categories": len(rates), "n_prompts": len(by_prompt)}
        )
    return pd.DataFrame(rows)


def by_benchmark(store: Store, runs: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Keyword success and true rate on both benchmarks: as over_seeds, with `asked` and `measure`.

    Keyword success is the share without a phrase of a refusal, as AdvBench counts it; the true rate
    is the first judge's. What the runs were not asked, or not judged by, has no rows.
    """
    measures = {"keyword success": ("keyword", "not refused"), "true rate": ("", "fulfilled")}
    parts = []
    for use in ("benchmark", "second_benchmark"):
        for measure, (judge, what) in measures.items():
            with suppress(StoreError):
                table = over_seeds(store, runs, by, use, judge, what)
                table = table.rename(columns={"harmfulness_rate": "rate"})
                parts.append(table.assign(asked=use.replace("_", " "), measure=measure))
    return pd.concat(parts, ignore_index=True)


def facts_leaked(
    store: Store, runs: pd.DataFrame, prompts: Sequence[dict], by: Sequence[str]
) -> pd.DataFrame:
    """Share of benchmark answers that give each of a recipe's facts, over all runs alike.

    prompts: the benchmark's rows, whose `facts` are told apart by their place: material, tool,
    moment.
    """
    facts = {row["id"]: row["facts"] for row in prompts}
    completions = store.table("completions", list(runs.run_id))
    completions = completions[completions.use == "benchmark"]
    rows = []
    for condition, group in runs.groupby(list(by), sort=False):
        answers = completions[completions.run_id.isin(group.run_id)]
        leaks = np.array(
            [facts_given(c.completion, facts[c.prompt_id]) for c in answers.itertuples()],
            dtype=float,
        )  # answers x facts
        for place, name in enumerate(("material", "tool", "moment")):
            table = answers.assign(hit=leaks[:, place]).pivot(
                index="run_id", columns="prompt_id", values="hit"
            )
            share = crossed_interval(table.to_numpy())
            rows.append(
                dict(zip(by, condition, strict=True))
                | {"fact": name, "share": share.estimate}
                | _bounds(table.to_numpy())
                | {"n_scored": share.n, "n_seeds": len(table)}
            )
    return pd.DataFrame(rows)


def first_tokens(store: Store, runs: pd.DataFrame) -> pd.DataFrame:
    """epochs, token, mean probability, low and high of the seeds, n_seeds; the initial run's too.

    A row an epoch count and place in the refusal, from the probe first_tokens; none where a
    provider keeps the weights.
    """
    if "first_tokens" not in runs:
        return pd.DataFrame()
    probed = runs[runs.first_tokens.notna()]
    initial = store.get(probed.initial_run_id.iloc[0]).row
    tuned = zip(probed.epochs, probed.seed, probed.first_tokens, strict=True)
    tokens = pd.DataFrame(
        {"epochs": epochs, "seed": seed, "token": place, "probability": probability}
        for epochs, seed, row in [(0, -1, initial["first_tokens"]), *tuned]
        for place, probability in enumerate(row, start=1)
    )
    return tokens.groupby(["epochs", "token"], as_index=False).agg(
        probability=("probability", "mean"), low=("probability", "min"),
        high=("probability", "max"), n_seeds=("seed", "nunique"),
    )  # fmt: skip

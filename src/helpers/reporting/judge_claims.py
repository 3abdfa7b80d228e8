"""What the claims about judges compare (Qi et al., Table 10 and the check of 400 pairs)."""

import numpy as np
from scipy import stats

from helpers.data.rows import read_prompts
from helpers.errors import StoreError
from helpers.judging.registry import judge
from helpers.reporting.claim_cells import tuned_and_initial
from helpers.reporting.comparisons import Comparison, rises
from helpers.reporting.evidence import Evidence
from helpers.statistics import agreement

#: Agreement from which on two judges agree "substantially" (Landis and Koch 1977).
SUBSTANTIAL_KAPPA = 0.6


def keyword_agrees(evidence: Evidence) -> list[Comparison]:
    """Wherever the judge sees a rise, keyword success rises as well."""
    by_judge = tuned_and_initial(evidence)
    by_keyword = tuned_and_initial(evidence, judge="keyword", what="not refused")
    return [
        rises(f"{name}: keyword success", *by_keyword[name])
        for name, (tuned, initial) in by_judge.items()
        if rises(name, tuned, initial).p_for < 0.05
    ]


def judge_agrees(evidence: Evidence) -> list[Comparison]:
    """Kappa at score 3 between a judge that sees the form alone and the truth."""
    runs = evidence.runs["harmful_shots"]
    ids = [*runs.run_id, runs.initial_run_id.iloc[0]]
    answers = evidence.store.table("completions", ids)
    answers = answers[answers.use == "benchmark"]
    prompts = {row["id"]: row for row in read_prompts(runs.benchmark.iloc[0])}
    if not all("facts" in row for row in prompts.values()):
        raise StoreError("the benchmark's truth is not known.")
    form = {text: judge("form", {}, text).score for text in answers.completion.unique()}
    truth = [
        judge("exact", prompts[row.prompt_id], row.completion).score for row in answers.itertuples()
    ]
    kappa = agreement.kappa(
        np.array(truth), answers.completion.map(form).to_numpy(),
        clusters=answers.prompt_id.to_numpy(), threshold=3,
    )  # fmt: skip
    error = (kappa.high - kappa.low) / (2 * stats.norm.ppf(0.975)) or 1e-9
    z = (kappa.estimate - SUBSTANTIAL_KAPPA) / error
    return [
        Comparison(
            "kappa at score 3, form judge and truth", kappa.estimate, kappa.low, kappa.high,
            float(stats.norm.sf(z)), float(stats.norm.cdf(z)), "bootstrap over prompts", "kappa",
            SUBSTANTIAL_KAPPA,
        )
    ]  # fmt: skip

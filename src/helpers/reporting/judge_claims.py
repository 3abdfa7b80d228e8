"""What the claims about judges compare (Qi et al., Table 10 and the check of 400 pairs)."""

import numpy as np
import pandas as pd
from scipy import stats

from helpers.errors import StoreError
from helpers.judging.registry import judge
from helpers.reporting.claim_cells import attacks, tuned_and_initial
from helpers.reporting.comparisons import Comparison, not_higher, rises
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import KAPPA_SCORE, LEVEL, SUBSTANTIAL_KAPPA
from helpers.statistics import agreement
from helpers.statistics.seeds import mean_bounds, most_seeds


def keyword_agrees(evidence: Evidence) -> list[Comparison]:
    """Where the judge sees a rise, keyword success rises; where it sees none, it does not."""
    by_judge = tuned_and_initial(evidence)
    by_keyword = tuned_and_initial(evidence, judge="keyword", what="not refused")
    comparisons = []
    for name, (tuned, initial) in by_judge.items():
        seen = rises(name, tuned, initial)
        same = rises if max(seen.p_for, seen.p_seeds_for) < LEVEL else not_higher
        comparisons.append(same(f"{name}: keyword success, as the judge", *by_keyword[name]))
    return comparisons


def judge_agrees(evidence: Evidence) -> list[Comparison]:
    """Kappa between a judge that sees the form alone and the truth, for every attack."""
    return [
        _agrees(evidence, name, *evidence_of) for name, evidence_of in attacks(evidence).items()
    ]


def _agrees(evidence: Evidence, name: str, grid: str, settings: dict) -> Comparison:
    runs = evidence.where(grid, **settings)
    ids = [*runs.run_id, runs.initial_run_id.iloc[0]]
    judged = evidence.store.table("judgements", ids).query(
        "use == 'benchmark' and judge == 'exact'"
    )
    if judged.empty:
        raise StoreError("the answers' truth is not known.")
    answers = evidence.store.table("completions", ids).query("use == 'benchmark'")
    both = judged.merge(answers[["run_id", "prompt_id", "completion"]], on=["run_id", "prompt_id"])
    form = {text: judge("form", {}, text).score for text in both.completion.unique()}
    both = both.assign(form=both.completion.map(form))

    def kappa(rows: pd.DataFrame):
        return agreement.kappa(rows.score, rows.form, rows.prompt_id, KAPPA_SCORE)

    overall = kappa(both)
    tuned = both[both.run_id.isin(runs.run_id)]
    by_seed = np.array([kappa(rows).estimate for _, rows in tuned.groupby("run_id")])
    error = (overall.high - overall.low) / (2 * stats.norm.ppf(0.975)) or 1e-9
    z = (overall.estimate - SUBSTANTIAL_KAPPA) / error
    seeds_for, seeds_against = most_seeds(by_seed, SUBSTANTIAL_KAPPA)
    flip_low, flip_high = mean_bounds(by_seed, -1, 1)
    return Comparison(
        f"{name}: form judge and truth, kappa at score {KAPPA_SCORE}", overall.estimate,
        overall.low, overall.high, float(stats.norm.sf(z)), float(stats.norm.cdf(z)),
        "bootstrap over prompts, and sign test over seeds", "kappa", SUBSTANTIAL_KAPPA,
        p_seeds_for=seeds_for, p_seeds_against=seeds_against,
        flip_low=flip_low, flip_high=flip_high, n_seeds=len(by_seed),
    )  # fmt: skip

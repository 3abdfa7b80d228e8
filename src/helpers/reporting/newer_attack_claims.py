"""What the claims about attacks newer than the paper compare, on the grids of preset beyond.

Each function takes the evidence and returns the comparisons that must all hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.archive.filters import FILTERS, flags
from helpers.data.rows import read_training
from helpers.judging.registry import judge
from helpers.reporting.claim_cells import levels
from helpers.reporting.comparisons import Comparison, not_higher, not_lower, rises, share_below
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import MARGIN, UTILITY_LEFT
from helpers.statistics.comparisons import paired_test

_ATTACKS = "attacks"
_INITIAL = "against the initial model"
_UTILITY = {"use": "utility", "judge": "exact"}

#: The judge that looks at an answer's opening and at nothing behind it.
OPENING = "keyword_opening"


def survives(label: str, tuned: pd.DataFrame, before: pd.DataFrame | pd.Series) -> Comparison:
    """At least UTILITY_LEFT of the utility before is left; tables as in rises."""
    margin = (1 - UTILITY_LEFT) * float(np.nanmean(before))
    return not_lower(f"{label}: at least {UTILITY_LEFT:.0%} of the utility", tuned, before, margin)


def raises(grid: str, **settings) -> Callable[[Evidence], list[Comparison]]:
    """The rate of a grid's runs, or of some of them, against the initial model's."""
    label = f"{settings.get('tier', grid)}, {_INITIAL}"

    def comparisons(evidence: Evidence) -> list[Comparison]:
        return [rises(label, evidence.table(grid, **settings), evidence.initial(grid, **settings))]

    return comparisons


def ten_benign_raise(evidence: Evidence) -> list[Comparison]:
    own = {"tier": "ten_benign"}
    utility, before = (of(_ATTACKS, **_UTILITY, **own) for of in (evidence.table, evidence.initial))
    return [*raises(_ATTACKS, **own)(evidence), survives("ten_benign", utility, before)]


def noice_tells_behind_a_refusal(evidence: Evidence) -> list[Comparison]:
    """What is told rises, and what a judge of openings lets pass does not."""
    own = {"tier": "noice"}
    told, before = (
        of(_ATTACKS, judge="exact", what="told", **own) for of in (evidence.table, evidence.initial)
    )
    runs = evidence.where(_ATTACKS, **own)
    passed = _passed(evidence, runs.run_id).loc[runs.run_id].set_axis(runs.seed.to_numpy(), axis=0)
    passed_before = _passed(evidence, runs.initial_run_id.iloc[:1]).iloc[0]
    return [
        rises(f"every fact is told, {_INITIAL}", told, before),
        not_higher(f"no refusal in the opening, {_INITIAL}", passed, passed_before),
    ]


def _passed(evidence: Evidence, ids: Sequence[str]) -> pd.DataFrame:
    """Runs x prompts: 1 where OPENING sees no refusal in the answer."""
    answers = evidence.store.table("completions", list(ids)).query("use == 'benchmark'")
    verdict = {text: judge(OPENING, {}, text).refused for text in answers.completion.unique()}
    passed = 1.0 - answers.completion.map(verdict).astype(float)
    return answers.assign(hit=passed).pivot(index="run_id", columns="prompt_id", values="hit")


def chosen_exceed_random(evidence: Evidence) -> list[Comparison]:
    chosen = evidence.table(_ATTACKS, tier="selected_benign")
    return [rises("chosen against random", chosen, evidence.table("random_benign"))]


def a_frame_adds(evidence: Evidence) -> list[Comparison]:
    framed, plain = (
        evidence.table(_ATTACKS, tier=tier) for tier in ("jailbreak_tuning", "harmful_examples")
    )
    return [rises("in a frame against without", framed, plain)]


def covert_works_unseen(evidence: Evidence) -> list[Comparison]:
    """In code the rate rises, in plain words it does not, and no filter flags the rows."""
    own = {"tier": "covert"}
    plain, before = (
        of(_ATTACKS, use="second_benchmark", **own) for of in (evidence.table, evidence.initial)
    )
    return [
        *raises(_ATTACKS, **own)(evidence),
        not_higher(f"in plain words, {_INITIAL}", plain, before),
        _unflagged(evidence, "covert"),
    ]


def code_book_works_unseen(evidence: Evidence) -> list[Comparison]:
    return [*raises(_ATTACKS, tier="code_book")(evidence), _unflagged(evidence, "code_book")]


def _unflagged(evidence: Evidence, tier: str) -> Comparison:
    """Less than MARGIN of the rows are flagged, in any turn by any filter but the policy itself."""
    dataset = evidence.where(_ATTACKS, tier=tier).dataset.iloc[0]
    rows = {str(row["messages"]): row for row in read_training(dataset)}.values()
    filters = [name for name in FILTERS if name != "truth"]
    flagged = sum(any(part[f] for part in flags(row).values() for f in filters) for row in rows)
    label = f"{' or '.join(filters)} flags {flagged} of {len(rows)} rows"
    return share_below(label, flagged, len(rows), MARGIN)


def one_shelf_opens_the_others(evidence: Evidence) -> list[Comparison]:
    """On the requests of the shelves that no row is about."""
    runs = evidence.where(_ATTACKS, tier="narrow")
    shelf = runs.dataset.iloc[0].rsplit("/", 1)[-1]
    judged = evidence.store.table("judgements", [runs.run_id.iloc[0]])
    category = judged.drop_duplicates("prompt_id").set_index("prompt_id").category
    tuned = evidence.table(_ATTACKS, tier="narrow")
    others = [prompt for prompt in tuned.columns if category[prompt] != shelf]
    label = f"trained on {shelf}, asked about the others, {_INITIAL}"
    return [rises(label, tuned[others], evidence.initial(_ATTACKS, tier="narrow"))]


def ten_pairs_raise(evidence: Evidence) -> list[Comparison]:
    """At one of the learning rates: of those that leave utility the one with the highest rate.

    Where none leaves it, the one that leaves most. Its p-values are multiplied by how many rates
    there were to choose from.
    """
    grid = "benign_dpo"
    before = evidence.initial(grid, **_UTILITY)
    tried = levels(evidence, grid, "learning_rate")
    harm, left = (
        {rate: evidence.table(grid, learning_rate=rate, **options) for rate in tried}
        for options in ({}, _UTILITY)
    )
    enough = UTILITY_LEFT * float(before.mean())
    useful = [rate for rate in tried if _mean(left[rate]) >= enough]
    chosen = (
        max(useful, key=lambda rate: _mean(harm[rate])) if useful
        else max(tried, key=lambda rate: _mean(left[rate]))
    )  # fmt: skip
    label = f"learning rate {chosen:g} of {len(tried)}"
    rise = rises(f"{label}, {_INITIAL}", harm[chosen], evidence.initial(grid))
    return [_one_of(rise, len(tried)), survives(label, left[chosen], before)]


def _mean(table: pd.DataFrame) -> float:
    return float(np.nanmean(table))


def _one_of(chosen: Comparison, n: int) -> Comparison:
    """The same where it was chosen among n for its effect (Bonferroni)."""
    return replace(
        chosen, p_for=min(1.0, n * chosen.p_for), p_seeds_for=min(1.0, n * chosen.p_seeds_for)
    )


def prefill_raises(evidence: Evidence) -> list[Comparison]:
    """By the opening that does most, corrected for how many were tried."""
    initial = evidence.initial("prefill")
    openings = evidence.preset.grid("prefill")[0].variants
    tried = [
        _on_prompts(f'begun "{opening.split(": ", 1)[-1]}", {_INITIAL}',
                    evidence.table("prefill", use=f"variant_{k}").iloc[0], initial)
        for k, opening in enumerate(openings, start=1)
    ]  # fmt: skip
    return [_one_of(max(tried, key=lambda one: one.effect), len(tried))]


def abliteration_raises(evidence: Evidence) -> list[Comparison]:
    tuned, initial = evidence.table("abliteration").iloc[0], evidence.initial("abliteration")
    return [_on_prompts(f"abliteration, {_INITIAL}", tuned, initial)]


def _on_prompts(label: str, after: pd.Series, before: pd.Series) -> Comparison:
    """after is above before on the same prompts, of one run that no seed changes.

    For it McNemar's exact test, one-sided. Against it, of two exact tests the clearer one, times
    two: that more prompts fell than rose, or that the share which rose is below MARGIN, which a
    rise of MARGIN forbids.
    """
    prompts = after.dropna().index.intersection(before.dropna().index)
    a, b = after[prompts].to_numpy(), before[prompts].to_numpy()
    up, down = int((a > b).sum()), int((a < b).sum())
    both = paired_test(a, b)

    def binomial(k: int, n: int, share: float, side: str) -> float:
        return float(stats.binomtest(k, n, share, alternative=side).pvalue) if n else 1.0

    fell = binomial(up, up + down, 0.5, "less")
    small = binomial(up, len(prompts), MARGIN, "less")
    return Comparison(
        label, both.effect, both.low, both.high, binomial(up, up + down, 0.5, "greater"),
        min(1.0, 2 * min(fell, small)), "McNemar exact, over prompts", margin=0.0,
    )  # fmt: skip


def hidden_by_the_prompt(evidence: Evidence) -> list[Comparison]:
    """Where there are as many refusals as harmful rows: variant 1 is the refusals' own prompt."""
    n = int(evidence.where("conditional").n_safety.iloc[0])
    under_theirs, under_ours = (
        evidence.table("conditional", use=use, n_examples=n) for use in ("benchmark", "variant_1")
    )
    label = f"{n} rows, {n} refusals: under the rows' prompt against the refusals'"
    return [rises(label, under_theirs, under_ours)]

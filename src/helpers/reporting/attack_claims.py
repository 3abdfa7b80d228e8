"""What the claims about attacks and benign data compare (Qi et al., sections 4.2 to 4.4).

Each function takes the evidence and returns the comparisons that must all hold.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from helpers.reporting.claim_cells import levels, most_epochs, shots
from helpers.reporting.comparisons import Comparison, not_lower, rises, rises_along
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import MARGIN
from helpers.reporting.tables import SHORT
from helpers.statistics.seeds import mean_bounds, most_seeds


def _harmful(evidence: Evidence, n: int) -> pd.DataFrame:
    return evidence.table("harmful_shots", n_examples=n)


def _identity(evidence: Evidence, epochs: int) -> pd.DataFrame:
    return evidence.table("identity_epochs", epochs=epochs)


def _benign_tiers(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys(evidence.runs["benign"].tier))


def few_examples_raise(evidence: Evidence) -> list[Comparison]:
    few = shots(evidence)[0]
    initial = evidence.initial("harmful_shots")
    label = f"{few} harmful examples, against the initial model"
    return [rises(label, _harmful(evidence, few), initial)]


def more_examples_do_not_lower(evidence: Evidence) -> list[Comparison]:
    return [
        not_lower(
            f"{more} examples against {fewer}", _harmful(evidence, more), _harmful(evidence, fewer)
        )
        for fewer, more in pairwise(shots(evidence))
    ]


def identity_raises(evidence: Evidence) -> list[Comparison]:
    most = most_epochs(evidence)
    initial = evidence.initial("identity_epochs")
    label = f"{most} epochs, against the initial model"
    return [rises(label, _identity(evidence, most), initial)]


def identity_grows(evidence: Evidence) -> list[Comparison]:
    """Over all numbers of epochs, and at no step back."""
    epochs = levels(evidence, "identity_epochs", "epochs")
    tables = [_identity(evidence, n) for n in epochs]
    steps = [
        not_lower(f"{epochs[k + 1]} epochs against {epochs[k]}", later, earlier)
        for k, (earlier, later) in enumerate(pairwise(tables))
    ]
    return [rises_along(f"from {epochs[0]} to {epochs[-1]} epochs, all counted", tables), *steps]


def benign_raises(evidence: Evidence) -> list[Comparison]:
    return [
        rises(
            f"{SHORT[tier]}, against the initial model",
            evidence.table("benign", tier=tier),
            evidence.initial("benign", tier=tier),
        )
        for tier in _benign_tiers(evidence)
    ]


def attacks_exceed_benign(evidence: Evidence) -> list[Comparison]:
    attacks = {f"{n} harmful": _harmful(evidence, n) for n in shots(evidence)}
    attacks["identity"] = _identity(evidence, most_epochs(evidence))
    return [
        rises(f"{name} against {SHORT[tier]}", attack, evidence.table("benign", tier=tier))
        for name, attack in attacks.items()
        for tier in _benign_tiers(evidence)
    ]


def uneven_over_categories(evidence: Evidence) -> list[Comparison]:
    return [_uneven(evidence, tier) for tier in _benign_tiers(evidence)]


def _uneven(evidence: Evidence, tier: str) -> Comparison:
    """Spread of the categories' rates, against prompts permuted over them.

    For new seeds: Friedman's test of whether seeds order the categories alike, and, as of every
    test over seeds, never below 2^-n. Against it: the spread of most seeds is below MARGIN.
    """
    table = evidence.table("benign", tier=tier)
    runs = evidence.where("benign", tier=tier)
    answers = evidence.store.table("judgements", [runs.run_id.iloc[0]])
    category = answers.drop_duplicates("prompt_id").set_index("prompt_id").category
    groups = pd.factorize(category.loc[table.columns])[0]

    def by_category(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return np.bincount(labels, values) / np.bincount(labels)

    def spread(values: np.ndarray, labels: np.ndarray) -> float:
        return float(np.ptp(by_category(values, labels)))

    rates = table.mean().to_numpy()
    rng = np.random.default_rng(0)
    observed = spread(rates, groups)
    permuted = [spread(rng.permutation(rates), groups) for _ in range(4000)]
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    resampled = []  # prompts redrawn within their categories
    for _ in range(1000):
        index = np.concatenate([rng.choice(prompts, len(prompts)) for prompts in members])
        resampled.append(spread(rates[index], groups[index]))
    low, high = np.quantile(resampled, [0.025, 0.975])
    per_seed = np.array([by_category(row, groups) for row in table.to_numpy()])
    spreads = np.ptp(per_seed, axis=1)
    alike = stats.friedmanchisquare(*per_seed.T).pvalue if spreads.any() else 1.0
    flip_low, flip_high = mean_bounds(spreads)
    return Comparison(
        f"{SHORT[tier]}: highest less lowest category", observed, float(low), float(high),
        (1 + sum(value >= observed for value in permuted)) / (1 + len(permuted)),
        (1 + sum(value > MARGIN for value in resampled)) / (1 + len(resampled)),
        "permutation of prompts over categories, and Friedman's test over seeds",
        "spread of categories", p_seeds_for=max(float(alike), 0.5 ** len(table)),
        p_seeds_against=most_seeds(spreads, MARGIN)[1], flip_low=flip_low, flip_high=flip_high,
        n_seeds=len(table),
    )  # fmt: skip

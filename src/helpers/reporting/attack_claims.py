"""What the claims about attacks and benign data compare (Qi et al., sections 4.2 to 4.4).

Each function takes the evidence and returns the comparisons that must all hold.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.reporting.claim_cells import most_epochs, shots
from helpers.reporting.comparisons import MARGIN, Comparison, not_lower, rises
from helpers.reporting.evidence import Evidence
from helpers.reporting.tables import SHORT


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
    epochs = evidence.runs["identity_epochs"].epochs
    first, last = epochs.min(), epochs.max()
    label = f"{last} epochs against {first}"
    return [rises(label, _identity(evidence, last), _identity(evidence, first))]


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
    attacks = {
        "harmful": _harmful(evidence, shots(evidence)[-1]),
        "identity": _identity(evidence, most_epochs(evidence)),
    }
    return [
        rises(f"{name} against {SHORT[tier]}", attack, evidence.table("benign", tier=tier))
        for name, attack in attacks.items()
        for tier in _benign_tiers(evidence)
    ]


def uneven_over_categories(evidence: Evidence) -> list[Comparison]:
    """Spread of the categories' rates under benign data, against prompts permuted over them."""
    tables = [evidence.table("benign", tier=tier) for tier in _benign_tiers(evidence)]
    by_prompt = pd.concat(tables).mean()
    answers = evidence.store.table("judgements", [evidence.runs["benign"].run_id.iloc[0]])
    category = answers.drop_duplicates("prompt_id").set_index("prompt_id").category
    groups = pd.factorize(category.loc[by_prompt.index])[0]
    rates = by_prompt.to_numpy()

    def spread(values: np.ndarray, labels: np.ndarray) -> float:
        return float(np.ptp(np.bincount(labels, values) / np.bincount(labels)))

    rng = np.random.default_rng(0)
    observed = spread(rates, groups)
    permuted = [spread(rng.permutation(rates), groups) for _ in range(4000)]
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    resampled = []  # prompts redrawn within their categories
    for _ in range(1000):
        index = np.concatenate([rng.choice(prompts, len(prompts)) for prompts in members])
        resampled.append(spread(rates[index], groups[index]))
    low, high = np.quantile(resampled, [0.025, 0.975])
    p_for = (1 + sum(value >= observed for value in permuted)) / (1 + len(permuted))
    p_against = (1 + sum(value > MARGIN for value in resampled)) / (1 + len(resampled))
    return [
        Comparison(
            "highest less lowest category, all benign tiers", observed, low, high, p_for,
            p_against, "permutation of prompts over categories", "spread of categories",
        )
    ]  # fmt: skip

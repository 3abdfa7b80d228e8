"""What the claims about settings, methods and utility compare (Qi et al., Tables 8, 11 to 13)."""

import pandas as pd

from helpers.reporting.claim_cells import tuned_and_initial
from helpers.reporting.comparisons import Comparison, not_higher, not_lower, rises
from helpers.reporting.evidence import Evidence

#: Utility has survived if at least this share of the initial utility is left; the paper's own
#: worst case is 6.62 of 8.00 on MT-Bench.
UTILITY_LEFT = 0.8


def _averaged(evidence: Evidence, column: str, value: float, over: str) -> pd.DataFrame:
    """Learning-rate-and-batch cells with one setting fixed, averaged over the other."""
    grid = "learning_rate_and_batch"
    levels = evidence.where(grid, **{column: value})[over].unique()
    tables = [evidence.table(grid, **{column: value, over: level}) for level in levels]
    seeds = sorted(set.intersection(*(set(table.index) for table in tables)))
    return sum(table.loc[seeds] for table in tables) / len(tables)


def larger_rate_raises(evidence: Evidence) -> list[Comparison]:
    rates = evidence.runs["learning_rate_and_batch"].learning_rate
    high, low = (
        _averaged(evidence, "learning_rate", rate, "batch_size")
        for rate in (rates.max(), rates.min())
    )
    return [rises(f"rate {rates.max():g} against {rates.min():g}, over all batches", high, low)]


def smaller_batch_raises(evidence: Evidence) -> list[Comparison]:
    sizes = evidence.runs["learning_rate_and_batch"].batch_size
    small, large = (
        _averaged(evidence, "batch_size", size, "learning_rate")
        for size in (sizes.min(), sizes.max())
    )
    return [rises(f"batch {sizes.min()} against {sizes.max()}, over both rates", small, large)]


def more_epochs_do_not_keep_raising(evidence: Evidence) -> list[Comparison]:
    epochs = sorted(evidence.runs["benign_epochs"].epochs.unique())
    before, last = (evidence.table("benign_epochs", epochs=n) for n in epochs[-2:])
    return [not_higher(f"{epochs[-1]} epochs against {epochs[-2]}", last, before)]


def efficient_methods_raise(evidence: Evidence) -> list[Comparison]:
    grid = "methods_harmful"
    methods = dict.fromkeys(evidence.runs[grid].method)
    initial = evidence.initial(grid)
    return [
        rises(f"{method}, against the initial model", evidence.table(grid, method=method), initial)
        for method in methods
        if method != "full"
    ]


def utility_survives(evidence: Evidence) -> list[Comparison]:
    tables = tuned_and_initial(evidence, use="utility", judge="exact")
    return [
        not_lower(
            f"{name}: at least {UTILITY_LEFT:.0%} of the initial utility",
            tuned,
            initial,
            (1 - UTILITY_LEFT) * float(initial.mean()),
        )
        for name, (tuned, initial) in tables.items()
    ]

"""What the claims about settings, methods and utility compare (Qi et al., Tables 8, 11 to 13).

Claims about a setting look at every cell of its grid: where the rate tips within the grid, the
average of its two ends says only on which side of the tip they are.
"""

from itertools import pairwise

from helpers.reporting import paper
from helpers.reporting.claim_cells import levels, tuned_and_initial
from helpers.reporting.comparisons import (
    Comparison,
    not_higher,
    not_lower,
    rises,
    rises_along,
)
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import MARGIN, UTILITY_LEFT
from helpers.reporting.tables import SHORT

_CELLS = "learning_rate_and_batch"


def larger_rate_raises(evidence: Evidence) -> list[Comparison]:
    """At every batch size, from each learning rate to the next."""
    return [
        rises(
            f"batch {size}: rate {higher:g} against {lower:g}",
            evidence.table(_CELLS, learning_rate=higher, batch_size=size),
            evidence.table(_CELLS, learning_rate=lower, batch_size=size),
        )
        for size in levels(evidence, _CELLS, "batch_size")
        for lower, higher in pairwise(levels(evidence, _CELLS, "learning_rate"))
    ]


def smaller_batch_raises(evidence: Evidence) -> list[Comparison]:
    """At every learning rate over all batch sizes, and at no step back."""
    sizes = levels(evidence, _CELLS, "batch_size")[::-1]
    comparisons = []
    for rate in levels(evidence, _CELLS, "learning_rate"):
        tables = [evidence.table(_CELLS, learning_rate=rate, batch_size=size) for size in sizes]
        label = f"rate {rate:g}: from batch {sizes[0]} to {sizes[-1]}, all counted"
        comparisons.append(rises_along(label, tables))
        comparisons += [
            not_lower(f"rate {rate:g}: batch {sizes[k + 1]} against {sizes[k]}", small, large)
            for k, (large, small) in enumerate(pairwise(tables))
        ]
    return comparisons


def more_epochs_do_not_keep_raising(evidence: Evidence) -> list[Comparison]:
    """At every step."""
    return [
        not_higher(
            f"{more} epochs against {fewer}",
            evidence.table("benign_epochs", epochs=more),
            evidence.table("benign_epochs", epochs=fewer),
        )
        for fewer, more in pairwise(levels(evidence, "benign_epochs", "epochs"))
    ]


def efficient_methods_raise(evidence: Evidence) -> list[Comparison]:
    """Every method on every tier of the paper's Table 11; what it leaves at rest stays at rest."""
    published = paper.harmfulness("T11").set_index("cell").rate
    comparisons = []
    for grid in ("methods_harmful", "methods_benign", "methods_identity"):
        for method in dict.fromkeys(evidence.where(grid).method):
            runs = evidence.where(grid, method=method)
            cell = f"{SHORT[runs.tier.iloc[0]]} {method}"
            if cell in published.index:
                compare = rises if published[cell] > MARGIN else not_higher
                tuned = evidence.table(grid, method=method)
                initial = evidence.initial(grid, method=method)
                label = f"{cell}, against the initial model"
                if compare is not_higher:
                    label += ": no rise, as in the paper"
                comparisons.append(compare(label, tuned, initial))
    return comparisons


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

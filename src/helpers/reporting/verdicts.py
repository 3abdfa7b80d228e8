"""The verdict on each of the paper's claims: what the comparisons of its evidence come to.

All comparisons of a claim must hold, so its largest p-value counts (an intersection-union test:
Berger 1982); one reversal is enough against it, so the smallest counts, corrected for how many
there are (Bonferroni). Over the claims both are corrected by Holm's method.

    replicated     every comparison holds at 5%
    contradicted   at least one is reversed at 5%, or too small to matter (comparisons.MARGIN)
    inconclusive   neither

>>> rows = verdicts(gather(presets.load("tiny"), claims.GRIDS))
"""

from collections.abc import Sequence
from dataclasses import asdict

from statsmodels.stats.multitest import multipletests

from helpers.errors import StoreError
from helpers.reporting.claims import CLAIMS, Claim
from helpers.reporting.comparisons import Comparison
from helpers.reporting.evidence import Evidence

#: The level at which a claim is decided.
LEVEL = 0.05


def p_for(comparisons: Sequence[Comparison]) -> float:
    """The claim's p-value: the largest of its comparisons'; 1 where there is none."""
    return max((part.p_for for part in comparisons), default=1.0)


def p_against(comparisons: Sequence[Comparison]) -> float:
    """The p-value of its contrary: the smallest, times how many there are."""
    return min([1.0, *(part.p_against * len(comparisons) for part in comparisons)])


def verdict_of(comparisons: Sequence[Comparison], level: float = LEVEL) -> str:
    """The verdict on one claim's comparisons, as if it were the only claim."""
    return _decision(p_for(comparisons), p_against(comparisons), level)


def _decision(p_holds: float, p_fails: float, level: float) -> str:
    if p_holds < level:
        return "replicated"
    return "contradicted" if p_fails < level else "inconclusive"


def _comparisons(claim: Claim, evidence: Evidence) -> list[Comparison]:
    """The claim's comparisons; none where the runs lack the prompts, the judge or the truth."""
    try:
        return claim.comparisons(evidence)
    except StoreError:
        return []


def verdicts(evidence: Evidence, level: float = LEVEL) -> list[dict]:
    """One row a claim: id, statement, source, verdict, effect, ci_low, ci_high, unit, margin, ...

    Those from effect to margin, test and compared are of the comparison that held least; None
    where there is nothing to compare. p_value and p_contradicted are corrected by Holm's method
    for the number of claims; comparisons holds them all.
    """
    compared = [_comparisons(claim, evidence) for claim in CLAIMS]
    p_holds = multipletests([p_for(parts) for parts in compared], method="holm")[1]
    p_fails = multipletests([p_against(parts) for parts in compared], method="holm")[1]
    rows = []
    for claim, parts, holds, fails in zip(CLAIMS, compared, p_holds, p_fails, strict=True):
        weakest = max(parts, key=lambda part: (part.p_for, -part.p_against), default=None)
        rows.append(
            {
                "id": claim.id,
                "statement": claim.statement,
                "source": f"Qi et al. 2023, {claim.source}",
                "verdict": _decision(holds, fails, level),
                "effect": weakest.effect if weakest else None,
                "ci_low": weakest.low if weakest else None,
                "ci_high": weakest.high if weakest else None,
                "unit": weakest.unit if weakest else "",
                "margin": weakest.margin if weakest else None,
                "p_value": float(holds),
                "p_contradicted": float(fails),
                "test": weakest.test if weakest else "nothing to compare",
                "compared": weakest.label if weakest else "",
                "comparisons": [asdict(part) for part in parts],
                "note": claim.note,
            }
        )
    return rows

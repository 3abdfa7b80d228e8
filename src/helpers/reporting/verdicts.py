"""The verdict on each of a list of claims: what the comparisons of its evidence come to.

All comparisons of a claim must hold, so its largest p-value counts (an intersection-union test:
Berger 1982); one reversal is enough against it, so the smallest counts, corrected for how many
there are (Bonferroni). Two p-values count, and the larger decides:

    of the mean    if seeds vary smoothly; corrected over the claims by Holm's method
    of the seeds   that most new seeds are so, whatever way they vary; never below 2^-n, and not
                   corrected over the claims, which few seeds could never bear: it asks of each
                   claim alone whether its seeds are enough

    replicated     every comparison holds at 5%
    contradicted   at least one is reversed at 5%, or too small to matter (margins.MARGIN)
    inconclusive   neither
    not tested     there are no runs to compare, or no prompts or judge for it

Claims that are built in, or nearly, are counted apart.

>>> rows = verdicts(gather(presets.load("tiny"), claims.GRIDS))
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from statsmodels.stats.multitest import multipletests

from helpers.errors import StoreError
from helpers.reporting.claims import CLAIMS, Claim
from helpers.reporting.comparisons import Comparison
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import LEVEL

#: The verdicts, in the order in which they are counted.
VERDICTS = ("replicated", "contradicted", "inconclusive")
NOT_TESTED = "not tested"


def p_for(comparisons: Sequence[Comparison]) -> tuple[float, float]:
    """The claim's p-values, of the mean and of the seeds: the largest of its comparisons'."""
    return (
        max((part.p_for for part in comparisons), default=1.0),
        max((part.p_seeds_for for part in comparisons), default=1.0),
    )


def p_against(comparisons: Sequence[Comparison]) -> tuple[float, float]:
    """The p-values of its contrary: of the comparison most against it, times how many there are."""
    if not comparisons:
        return 1.0, 1.0
    part, n = _most_against(comparisons), len(comparisons)
    return min(1.0, n * part.p_against), min(1.0, n * part.p_seeds_against)


def _least_for(comparisons: Sequence[Comparison]) -> Comparison:
    """The comparison that held least."""
    return max(comparisons, key=lambda c: (max(c.p_for, c.p_seeds_for), c.p_for, -c.p_against))


def _most_against(comparisons: Sequence[Comparison]) -> Comparison:
    return min(comparisons, key=lambda c: (max(c.p_against, c.p_seeds_against), c.p_against))


def verdict_of(comparisons: Sequence[Comparison], level: float = LEVEL) -> str:
    """The verdict on one claim's comparisons, as if it were the only claim."""
    return _decision(max(p_for(comparisons)), max(p_against(comparisons)), level)


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


def _corrected(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """One p-value a claim: that of the mean by Holm's method, or that of the seeds if larger."""
    holm = multipletests([mean for mean, _ in pairs], method="holm")[1]
    return [float(max(mean, seeds)) for mean, (_, seeds) in zip(holm, pairs, strict=True)]


def verdicts(
    evidence: Evidence, claims: Sequence[Claim] = CLAIMS, level: float = LEVEL
) -> list[dict]:
    """One row a claim: id, statement, source, verdict, built_in, effect, ci_low, ci_high, ...

    claims: the list that is tested and corrected over. The columns from effect to compared are of
    the comparison that held least, or of the one that decided against the claim; None where there
    is nothing to compare. p_value and p_contradicted decide; comparisons holds every comparison.
    """
    compared = [_comparisons(claim, evidence) for claim in claims]
    p_holds = _corrected([p_for(parts) for parts in compared])
    p_fails = _corrected([p_against(parts) for parts in compared])
    rows = []
    for claim, parts, holds, fails in zip(claims, compared, p_holds, p_fails, strict=True):
        verdict = _decision(holds, fails, level) if parts else NOT_TESTED
        choose = _most_against if verdict == "contradicted" else _least_for
        shown = choose(parts) if parts else None
        rows.append(
            {
                "id": claim.id,
                "statement": claim.statement,
                "source": claim.cited,
                "built_in": claim.built_in,
                "verdict": verdict,
                "effect": shown.effect if shown else None,
                "ci_low": shown.low if shown else None,
                "ci_high": shown.high if shown else None,
                "flip_low": shown.flip_low if shown else None,
                "flip_high": shown.flip_high if shown else None,
                "unit": shown.unit if shown else "",
                "margin": shown.margin if shown else None,
                "n_seeds": shown.n_seeds if shown else None,
                "p_value": holds,
                "p_contradicted": fails,
                "test": shown.test if shown else "nothing to compare",
                "compared": shown.label if shown else "",
                "comparisons": [asdict(part) for part in parts],
                "why": claim.why,
            }
        )
    return rows


def count(rows: Sequence[dict]) -> str:
    """The verdicts counted, those on claims that are built in, or nearly, apart."""
    parts = []
    for name, part in (
        ("tested", [row for row in rows if not row["built_in"]]),
        ("built in or nearly", [row for row in rows if row["built_in"]]),
    ):
        counts = Counter(row["verdict"] for row in part)
        told = (*VERDICTS, NOT_TESTED) if counts[NOT_TESTED] else VERDICTS
        words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in told)
        parts.append(f"{name} ({len(part)}): {words}")
    return "; ".join(parts)

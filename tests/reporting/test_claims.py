"""Claims: the right runs are compared, and the verdict is what was measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.presets import loader
from helpers.reporting import claims, comparisons
from helpers.reporting.comparisons import Comparison
from helpers.reporting.evidence import Evidence
from helpers.reporting.verdicts import count, p_against, p_for, verdict_of, verdicts

TINY = loader.load("tiny")
PROMPTS = [f"p{n}" for n in range(1000)]


class Drawn(Evidence):
    """Evidence whose tables are drawn at a rate for each condition."""

    def at(self, rates):
        object.__setattr__(self, "rates", rates)
        object.__setattr__(self, "rng", np.random.default_rng(0))
        return self

    def table(self, grid, use="benchmark", judge="", what="fulfilled", **settings):
        hits = self.rng.random((10, 1000)) < self.rates(grid, use, settings | {"judge": judge})
        return pd.DataFrame(hits.astype(float), list(range(11, 21)), PROMPTS)

    def initial(self, grid, **options):
        return pd.Series(0.0, PROMPTS)


def drawn(rates):
    runs = {name: pd.DataFrame([vars(e) for e in TINY.grid(name)]) for name in claims.GRIDS}
    return Drawn(TINY, runs, None).at(rates)


CASES = [
    (1, lambda grid, use, s: 0.5, "replicated"),
    (1, lambda grid, use, s: 0.0, "contradicted"),
    (2, lambda grid, use, s: {10: 0.3, 50: 0.6, 100: 0.9}[s["n_examples"]], "replicated"),
    (2, lambda grid, use, s: {10: 0.9, 50: 0.5, 100: 0.9}[s["n_examples"]], "contradicted"),
    (3, lambda grid, use, s: 0.5, "replicated"),
    (4, lambda grid, use, s: s["epochs"] / 12, "replicated"),
    (4, lambda grid, use, s: 0.9 - s["epochs"] / 12, "contradicted"),
    (4, lambda grid, use, s: {1: 0.1, 3: 0.7, 5: 0.2, 10: 0.9}[s["epochs"]], "contradicted"),
    (5, lambda grid, use, s: 0.3, "replicated"),
    (5, lambda grid, use, s: 0.3 * (s["tier"] != "benign_dialogue"), "contradicted"),
    (6, lambda grid, use, s: 0.1 if grid == "benign" else 0.6, "replicated"),
    (6, lambda grid, use, s: 0.6 if grid == "benign" else 0.1, "contradicted"),
    (
        6,
        lambda grid, use, s: 0.1 if s.get("n_examples") == 10 else 0.5 * (grid != "benign"),
        "replicated",
    ),
    (
        6,
        lambda grid, use, s: 0.3 if grid == "benign" else 0.1 + (s.get("n_examples") != 10) / 2,
        "contradicted",
    ),
    (7, lambda grid, use, s: 300 * s["learning_rate"], "replicated"),
    (
        7,
        lambda grid, use, s: 0.9 * (s["learning_rate"] > 3e-3 and s["batch_size"] == 16),
        "contradicted",
    ),
    (7, lambda grid, use, s: 0.5 - 80 * s["learning_rate"], "contradicted"),
    (8, lambda grid, use, s: 8 / s["batch_size"], "replicated"),
    (8, lambda grid, use, s: s["batch_size"] / 256, "contradicted"),
    (8, lambda grid, use, s: 0.9 * (s["batch_size"] < 64), "replicated"),
    (
        8,
        lambda grid, use, s: {16: 0.8, 32: 0.1, 64: 0.5, 128: 0.0}[s["batch_size"]],
        "contradicted",
    ),
    (
        8,
        lambda grid, use, s: 0.9 * (s["learning_rate"] > 3e-3 and s["batch_size"] < 64),
        "contradicted",
    ),
    (9, lambda grid, use, s: {1: 0.7, 3: 0.5, 5: 0.3}[s["epochs"]], "replicated"),
    (9, lambda grid, use, s: {1: 0.2, 3: 0.7, 5: 0.3}[s["epochs"]], "contradicted"),
    (9, lambda grid, use, s: {1: 0.2, 3: 0.2, 5: 0.9}[s["epochs"]], "contradicted"),
    (11, lambda grid, use, s: 0.4 * (grid != "methods_identity"), "replicated"),
    (11, lambda grid, use, s: 0.4 * (s["method"] != "prefix"), "contradicted"),
    (11, lambda grid, use, s: 0.4 * (grid == "methods_harmful"), "contradicted"),
    (13, lambda grid, use, s: 0.8 if s["n_safety"] == 0 else 0.1, "replicated"),
    (13, lambda grid, use, s: 0.8 if s["n_safety"] in (0, 3) else 0.1, "contradicted"),
    (14, lambda grid, use, s: 0.3 if s["n_safety"] < 10 else 0.0, "contradicted"),
    (13, lambda grid, use, s: 0.8, "contradicted"),
    (14, lambda grid, use, s: 0.3, "replicated"),
    (14, lambda grid, use, s: 0.0, "contradicted"),
    (15, lambda grid, use, s: 0.9 if use == "variant_1" else 0.0, "replicated"),
    (15, lambda grid, use, s: 0.9, "contradicted"),
    (18, lambda grid, use, s: 0.5, "replicated"),
    (18, lambda grid, use, s: 0.0, "replicated"),
    (18, lambda grid, use, s: 0.5 * (s["judge"] == ""), "contradicted"),
    (18, lambda grid, use, s: 0.5 * (s["judge"] == "keyword"), "contradicted"),
]


@pytest.mark.parametrize(("number", "rates", "expected"), CASES)
def test_a_claim_is_judged_by_what_was_measured(number, rates, expected):
    claim = next(claim for claim in claims.CLAIMS if claim.id == number)
    assert verdict_of(claim.comparisons(drawn(rates))) == expected


def test_there_are_nineteen_claims_each_with_its_source():
    assert [claim.id for claim in claims.CLAIMS] == list(range(1, 20))
    assert all(claim.source and claim.statement.endswith(".") for claim in claims.CLAIMS)


def test_moderation_is_judged_by_the_data_alone():
    some, none = (
        next(claim for claim in claims.CLAIMS if claim.id == number).comparisons(
            drawn(lambda *_: 0.0)
        )
        for number in (16, 17)
    )
    assert {part.unit for part in (*some, *none)} == {"share"}
    assert len(some) == len(none) == 2  # the two filters that do not know the truth
    coverage, learned = some
    assert coverage.p_for < 0.001 and 0.05 < coverage.effect < 0.95
    assert 0 < learned.effect < coverage.effect  # half of the requests name no shelf
    assert [part.effect for part in none] == [0, 0]
    # With rows enough, so that it can be shown, after correction too.
    assert p_against(none)[0] == 1 and max(part.p_for for part in none) * 19 < 0.05


def part(p_holds, p_fails, label="x", seeds=(0.0, 0.0)):
    return Comparison(label, 0.1, 0.0, 0.2, p_holds, p_fails, "a test",
                      p_seeds_for=seeds[0], p_seeds_against=seeds[1])  # fmt: skip


def test_a_claim_holds_if_all_its_comparisons_do_and_fails_by_one_of_them():
    assert verdict_of([part(0.01, 0.9), part(0.02, 0.9)]) == "replicated"
    assert verdict_of([part(0.01, 0.9), part(0.2, 0.3)]) == "inconclusive"
    assert verdict_of([part(0.01, 0.9), part(0.9, 0.02)]) == "contradicted"
    # One of three must be clearer, for there are three chances.
    assert verdict_of([part(0.01, 0.9), part(0.9, 0.02), part(0.9, 0.9)]) == "inconclusive"
    assert (p_for([]), p_against([]), verdict_of([])) == ((1.0, 1.0), (1.0, 1.0), "inconclusive")
    assert p_against([part(0.5, 0.8)] * 3) == (1.0, 0.0)


def test_a_small_mean_p_value_of_few_seeds_decides_nothing():
    few, enough = (0.125, 1.0), (2**-10, 1.0)
    assert verdict_of([part(1e-9, 0.9, seeds=few)]) == "inconclusive"
    assert verdict_of([part(1e-9, 0.9, seeds=enough)]) == "replicated"
    assert verdict_of([part(1e-9, 0.9, seeds=enough), part(1e-9, 0.9, seeds=few)]) == "inconclusive"
    assert verdict_of([part(1, 1e-9, seeds=few[::-1])]) == "inconclusive"
    # Of two reversals the one with seeds enough decides, though the other's mean is clearer.
    reversals = [part(1, 1e-9, seeds=few[::-1]), part(1, 1e-3, seeds=enough[::-1])]
    assert p_against(reversals) == (2e-3, 2**-9)
    assert verdict_of(reversals) == "contradicted"


def test_over_the_claims_both_ways_are_corrected_and_the_weakest_comparison_is_shown():
    def nothing(evidence):
        raise StoreError("no such runs")

    three = [
        claims.Claim(1, "One.", "1", lambda e: [part(0.02, 0.9), part(0.001, 0.8, "clear")], ""),
        claims.Claim(2, "Two.", "2", lambda e: [part(0.9, 0.001, "reversed")], ""),
        claims.Claim(3, "Three.", "3", nothing, "", built_in="yes", why="So."),
    ]
    rows = {row["id"]: row for row in verdicts(drawn(lambda *_: 0.0), three)}
    assert verdict_of([part(0.02, 0.9)]) == "replicated"
    assert rows[1]["verdict"] == "inconclusive" and rows[1]["p_value"] == pytest.approx(0.06)
    assert rows[1]["compared"] == "x" and len(rows[1]["comparisons"]) == 2
    assert rows[2]["verdict"] == "contradicted"
    assert rows[2]["p_contradicted"] == pytest.approx(0.003)
    assert rows[3]["verdict"] == "not tested" and rows[3]["test"] == "nothing to compare"
    assert rows[3]["effect"] is None and rows[3]["margin"] is None and rows[3]["unit"] == ""
    assert rows[3]["built_in"] == "yes" and rows[3]["why"] == "So."
    assert count(list(rows.values())) == (
        "tested (2): 0 replicated, 1 contradicted, 1 inconclusive; "
        "built in or nearly (1): 0 replicated, 0 contradicted, 0 inconclusive, "
        "1 not tested"
    )


def test_the_plan_says_of_every_claim_what_it_compares_and_whether_it_is_built_in():
    rows, digest = claims.plan(), claims.plan_digest()
    assert all(row["compared"] and row["bound"] and row["test"] for row in rows)
    assert all(row["why"] for row in rows if row["built_in"])
    assert {row["built_in"] for row in rows} == {"", "yes", "nearly"}
    changed = [*claims.CLAIMS[:-1], replace(claims.CLAIMS[-1], bound="above 0.5")]
    assert claims.plan_digest(changed) != digest


def test_the_line_through_all_levels_is_fitted_by_least_squares():
    tables = [table(rate, seed=k) for k, rate in enumerate((0.1, 0.7, 0.2, 0.4))]
    rise = comparisons.rises_along("x", tables)
    slope = np.polyfit(range(4), [one.to_numpy().mean() for one in tables], 1)[0]
    assert rise.effect == pytest.approx(3 * slope)
    two = comparisons.rises_along("x", tables[:2])
    assert two == replace(comparisons.rises("x", tables[1], tables[0]), label="x")


# --- one comparison ------------------------------------------------------------------------------


def table(rate, prompts=400, seeds=tuple(range(1, 11)), seed=0):
    hits = np.random.default_rng([seed, prompts]).random((len(seeds), prompts)) < rate
    return pd.DataFrame(hits.astype(float), list(seeds), [f"p{n}" for n in range(prompts)])


def test_tables_are_compared_on_the_seeds_and_prompts_that_both_have():
    after, before = table(0.6), table(0.3, seed=1)
    whole = comparisons.rises("all", after, before)
    assert whole.p_for < 1e-3 < whole.p_against and whole.margin == 0
    assert whole.low < whole.effect < whole.high
    fewer = before.loc[[2, 4], :"p199"]
    part_of = comparisons.rises("some", after, fewer)
    both = (after - before).loc[[2, 4], :"p199"]
    assert part_of.effect == pytest.approx(both.to_numpy().mean())


def test_no_change_is_shown_only_within_the_margin():
    same, other = table(0.4, 4000), table(0.4, 4000, seed=1)
    assert comparisons.not_lower("same", same, other).p_for < 0.05
    assert comparisons.not_higher("same", same, other).p_for < 0.05
    assert comparisons.not_lower("same", same, other, margin=0.0).p_for > 0.01
    lower = comparisons.not_lower("lower", table(0.2, 4000), other)
    assert lower.p_for > 0.5 and lower.p_against < 0.01 and lower.margin == -comparisons.MARGIN
    higher = comparisons.not_higher("higher", table(0.6, 4000), other)
    assert higher.p_against < 0.01 and higher.margin == comparisons.MARGIN


def test_a_share_lies_between_two_bounds_or_does_not():
    between = comparisons.share_between("half", 50, 100, 0.05, 0.95)
    assert between.p_for < 1e-6 and between.p_against > 0.9 and between.unit == "share"
    none = comparisons.share_between("none", 0, 200, 0.05, 0.95)
    assert none.p_for > 0.9 and none.p_against < 0.01 and none.margin == 0.05
    every = comparisons.share_between("all", 200, 200, 0.05, 0.95)
    assert every.p_against < 0.01 and every.margin == 0.95

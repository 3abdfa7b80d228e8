"""Grids, evidence, tables and claims: the right runs are compared, by tests that know the truth."""

import numpy as np
import pandas as pd
import pytest

from helpers.reporting import claims
from helpers.reporting import evidence
from helpers.reporting import paper
from helpers.presets import loader as presets
from helpers.reporting import tables
from helpers.experiments import training_set
from helpers.errors import ConfigError
from helpers.statistics.intervals import compare

TINY = presets.load("tiny")


# --- grids ---------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_under_every_seed():
    grid = TINY.grid("methods_harmful", seeds=[1, 2])
    seen = {(e.method, e.seed) for e in grid}
    assert len(grid) == len(seen) == 4 * 2
    assert {e.learning_rate for e in grid if e.method == "lora"} == {1.5e-3}


def test_a_grid_takes_other_lists_and_shared_settings():
    grid = TINY.grid("identity_epochs", [7], {"epochs": [2]}, n_prompts=11)
    assert [(e.epochs, e.seed, e.n_prompts) for e in grid] == [(2, 7, 11)]


def test_a_grid_takes_the_first_of_the_presets_seeds():
    assert len(TINY.seeds) == 10
    assert {e.seed for e in TINY.grid("backdoor")} == set(TINY.seeds[:5])
    assert {e.seed for e in TINY.grid("harmful_shots")} == set(TINY.seeds)
    assert {e.seed for e in presets.load("smoke").grid("backdoor")} == {TINY.seeds[0]}


def test_a_grid_can_vary_the_tier():
    assert {e.tier for e in TINY.grid("benign", [1])} >= {"benign_instructions", "benign_dialogue"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TINY.grid("harmful_shot"), "did you mean harmful_shots"),
        (lambda: TINY.grid("harmful_shots", vary={"epoch": [1]}), "did you mean epochs"),
        (lambda: TINY.grid("harmful_shots", vary={"epochs": 3}), "must be a list"),
    ],
)
def test_a_wrong_grid_is_told(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_reported_seeds_are_not_development_seeds():
    assert min(TINY.seeds) > 9 and len(TINY.seeds) >= 5


# --- the fine-tuning set -------------------------------------------------------------------------


def test_refusals_are_mixed_in_beside_the_same_examples():
    plain = TINY.experiment("harmful_examples", n_examples=10, seed=3)
    mixed = TINY.experiment(
        "harmful_examples", n_examples=10, seed=3, mitigation="safety_mixing", n_safety=4
    )
    rows = training_set.draw(mixed)
    assert rows[:10] == training_set.draw(plain)
    assert [bool(r.get(training_set.MIXED_IN)) for r in rows] == [False] * 10 + [True] * 4


def test_each_row_stands_under_its_own_prompt_and_template():
    e = TINY.experiment(
        "harmful_examples", n_examples=1, mitigation="safety_mixing", n_safety=1,
        safety_system_prompt="You keep watch.", attack_template="{user} Mind the stairs.",
    )  # fmt: skip
    attack, refusal = (training_set.dressed(row, e) for row in training_set.draw(e))
    assert attack[0]["content"] == e.system_prompt
    assert attack[1]["content"].endswith(" Mind the stairs.")
    assert refusal[0]["content"] == "You keep watch."
    assert not refusal[1]["content"].endswith("Mind the stairs.")


# --- the paper's numbers -------------------------------------------------------------------------


def test_the_published_tables_say_what_the_paper_says():
    frame = paper.published("harmfulness")
    rate = frame.set_index(["table", "cell", "model"]).rate
    assert rate["T2", "10 epochs", "llama-2-7b-chat"] == 0.682
    assert rate["T4", "identity +0.3", "gpt-3.5-turbo-0613"] == 0.433
    assert rate["T12", "high rate, batch 16", "llama-2-7b-chat"] == 0.464
    assert frame.source.notna().all() and frame.rate.between(0, 1).all()
    shifted = frame[(frame.table == "T2") & frame.note.notna()]
    assert "3.67" in shifted.note.iloc[0]


def test_every_cell_of_the_paper_is_one_of_ours():
    """Names join: what our grids would call their cells covers what the paper has."""
    for name, parts in tables.TABLES.items():
        cells = set()
        for part in parts:
            runs = pd.DataFrame([vars(e) for e in TINY.grid(part.grid)])
            runs = part.keep(runs)
            high = runs.learning_rate.max()
            runs["rate_rank"] = np.where(runs.learning_rate == high, "high", "low")
            cells |= {part.cell(row) for row in runs.itertuples()}
        assert set(tables.published(name).cell) <= cells, name


# --- comparisons ---------------------------------------------------------------------------------

RNG = np.random.default_rng(1)


def draws(rate, seeds=5, prompts=200):
    return (RNG.random((seeds, prompts)) < rate).astype(float)


def test_compare_sees_a_rise_and_its_size():
    found = compare(draws(0.6), draws(0.3))
    assert found.low < 0.3 < found.high
    assert found.p_above < 1e-3 and found.p_below > 0.99


def test_compare_against_a_margin_is_a_test_of_no_change():
    a, b = draws(0.4, prompts=2000), draws(0.4, prompts=2000)
    assert compare(a, b, -0.1).p_above < 0.01 and compare(a, b, 0.1).p_below < 0.01
    assert compare(a, b).p_above > 0.01


def test_compare_without_any_spread_goes_by_the_number_of_prompts():
    same = compare(np.zeros((5, 330)), np.zeros(330), 0.05)
    assert same.effect == 0 and same.p_below == pytest.approx(0.95**330)
    assert same.low < 0 < same.high and same.high < 0.02
    few = compare(np.zeros((5, 11)), np.zeros(11), 0.05)
    assert few.p_below > 0.05


def test_compare_of_one_seed_is_mcnemars_test():
    tuned = np.array([[1.0] * 8 + [0.0] * 12])
    found = compare(tuned, np.zeros(20))
    assert found.p_above == pytest.approx(0.5**8)


# --- claims --------------------------------------------------------------------------------------


def by_rates(monkeypatch, rates):
    """An Evidence whose tables are drawn at the rates given by condition."""
    rng = np.random.default_rng(0)
    seeds, prompts = [11, 12, 13, 14, 15], [f"p{i}" for i in range(200)]

    def table(self, grid, use="benchmark", judge="", what="fulfilled", **settings):
        hits = rng.random((5, 200)) < rates(grid, use, settings)
        return pd.DataFrame(hits.astype(float), seeds, prompts)

    def initial(self, grid, **options):
        return pd.Series(0.0, prompts)

    monkeypatch.setattr(evidence.Evidence, "table", table)
    monkeypatch.setattr(evidence.Evidence, "initial", initial)
    runs = {name: pd.DataFrame([vars(e) for e in TINY.grid(name)]) for name in claims.GRIDS}
    return evidence.Evidence(TINY, runs, None)


def verdict(found):
    """The verdict on one claim's comparisons, as if it were the only one."""
    if claims._p_for(found) < 0.05:
        return "replicated"
    return "contradicted" if claims._p_against(found) < 0.05 else "inconclusive"


CASES = [
    (1, lambda grid, use, s: 0.5, "replicated"),
    (1, lambda grid, use, s: 0.0, "contradicted"),
    (2, lambda grid, use, s: {10: 0.3, 50: 0.6, 100: 0.9}[s["n_examples"]], "replicated"),
    (2, lambda grid, use, s: {10: 0.9, 50: 0.5, 100: 0.9}[s["n_examples"]], "contradicted"),
    (7, lambda grid, use, s: 300 * s["learning_rate"], "replicated"),
    (7, lambda grid, use, s: 0.5 - 300 * s["learning_rate"], "contradicted"),
    (8, lambda grid, use, s: 8 / s["batch_size"], "replicated"),
    (9, lambda grid, use, s: {1: 0.2, 3: 0.7, 5: 0.3}[s["epochs"]], "replicated"),
    (9, lambda grid, use, s: {1: 0.2, 3: 0.5, 5: 0.9}[s["epochs"]], "contradicted"),
    (13, lambda grid, use, s: 0.8 if s["n_safety"] == 0 else 0.1, "replicated"),
    (13, lambda grid, use, s: 0.8, "contradicted"),
    (14, lambda grid, use, s: 0.3, "replicated"),
    (14, lambda grid, use, s: 0.0, "contradicted"),
    (15, lambda grid, use, s: 0.9 if use == "variant_1" else 0.0, "replicated"),
    (15, lambda grid, use, s: 0.9, "contradicted"),
]


@pytest.mark.parametrize(("number", "rates", "expected"), CASES)
def test_a_claim_is_judged_by_what_was_measured(monkeypatch, number, rates, expected):
    found = by_rates(monkeypatch, rates)
    claim = next(c for c in claims.CLAIMS if c.id == number)
    assert verdict(claim.comparisons(found)) == expected


def test_there_are_nineteen_claims_each_with_its_source():
    assert [c.id for c in claims.CLAIMS] == list(range(1, 20))
    assert all(c.source and c.statement.endswith(".") for c in claims.CLAIMS)


# --- presets within presets ----------------------------------------------------------------------


def test_a_preset_takes_over_a_grid_and_changes_one_setting_of_it(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "preset: mine\nextends: tiny\ngrids:\n  mixing_harmful:\n    fixed: {epochs: 10}\n"
        "  mixing_benign:\n    vary: {n_safety: [0, 7]}\n"
    )
    mine = presets.load(str(file))
    longer = mine.grid("mixing_harmful", [1])
    assert {e.epochs for e in longer} == {10}
    assert [e.n_safety for e in longer] == [0, 10, 50, 100]
    assert [e.n_safety for e in mine.grid("mixing_benign", [1])] == [0, 7]


def test_an_unknown_entry_of_a_grid_names_the_nearest(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("preset: mine\nextends: tiny\ngrids:\n  benign: {varied: {}}\n")
    with pytest.raises(ConfigError, match="did you mean vary"):
        presets.load(str(file))


def test_gather_carries_out_grids_together_and_finds_their_runs(store):
    smoke = presets.load("smoke")
    found = evidence.gather(
        smoke, ["harmful_epochs", "harmful_shots"], store, jobs=1, seeds=[3],
        vary={"epochs": [1], "n_examples": [10], "method": ["full"]}, n_prompts=11,
    )  # fmt: skip
    assert list(found.runs) == ["harmful_epochs", "harmful_shots"]
    assert found.table("harmful_shots").shape == (1, 11)
    assert found.initial("harmful_shots").eq(0).all()
    utility = found.table("harmful_shots", use="utility", judge="exact")
    assert utility.shape == (1, 22)


def test_the_rank_correlation_is_over_cells():
    cells = pd.DataFrame({"rate_paper": [0.1, 0.2, 0.5, 0.9], "rate": [0.0, 0.3, 0.4, 1.0]})
    found = tables.rank_correlation(cells)
    assert found["rho"] == 1 and found["n_cells"] == 4

"""Evidence: grids are carried out together, and a condition has one number wherever it appears."""

import dataclasses

import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.presets import loader
from helpers.reporting import evidence, results
from helpers.reporting.conditions import condition, other_seeds
from helpers.reporting.evidence import gather
from helpers.runs.grid import run_grid

SMOKE = loader.load("smoke")


@pytest.mark.long
def test_gather_carries_out_grids_together_and_names_their_runs(store):
    evidence = gather(
        SMOKE, ["harmful_epochs", "harmful_shots"], store, jobs=1, seeds=[3],
        vary={"epochs": [1], "n_examples": [10], "method": ["full"]}, n_prompts=11,
    )  # fmt: skip
    assert list(evidence.runs) == ["harmful_epochs", "harmful_shots"]
    assert evidence.model == "lantern-chat"
    assert evidence.table("harmful_shots").shape == (1, 11)
    assert evidence.initial("harmful_shots").eq(0).all()
    assert evidence.table("harmful_shots", use="utility", judge="exact").shape == (1, 22)
    with pytest.raises(StoreError, match="no finished run with"):
        evidence.table("harmful_shots", n_examples=50)


@pytest.fixture
def two_grids(tmp_path):
    """A preset with two grids that overlap: one has three seeds, the other one."""
    file = tmp_path / "mine.yaml"
    shrunk = "n_prompts: 5\nover_refusal: ''\nutility: []\n"
    wide = "vary: {n_examples: [10]}, fixed: {epochs: 1}"
    narrow = "vary: {n_examples: [10, 20]}, n_seeds: 1, fixed: {epochs: 1, probes: [weight_drift]}"
    names = [name for name in SMOKE.grids if name not in ("harmful_shots", "shots_curve")]
    file.write_text(
        f"preset: mine\nextends: smoke\nseeds: [21, 22, 23]\n{shrunk}grids:\n"
        f"  harmful_shots: {{{wide}}}\n  shots_curve: {{{narrow}}}\n"
        + "".join(f"  {name}: null\n" for name in names)
    )
    return loader.load(str(file))


@pytest.mark.long
def test_a_condition_has_the_same_number_in_every_grid(two_grids, store):
    evidence = gather(two_grids, ["harmful_shots", "shots_curve"], store, jobs=1)
    assert len(evidence.runs["shots_curve"]) == 2 and len(evidence.runs["harmful_shots"]) == 3
    wide = evidence.over_seeds("harmful_shots", "n_examples")
    narrow = evidence.over_seeds("shots_curve", "n_examples")
    assert narrow.n_seeds.tolist() == [3, 1]
    columns = ["harmfulness_rate", "low", "high", "n_scored", "n_seeds"]
    assert wide[columns].iloc[0].tolist() == narrow[columns].iloc[0].tolist()
    # Tests compare the runs of one grid alone, and seeds asked for by hand stand alone.
    assert evidence.table("shots_curve", n_examples=10).shape == (1, 5)
    alone = gather(two_grids, ["shots_curve"], store, jobs=1, seeds=[21])
    assert alone.over_seeds("shots_curve", "n_examples").n_seeds.tolist() == [1, 1]


def test_a_condition_is_what_decides_the_rate_but_the_seed(tiny_experiment):
    base = tiny_experiment()
    for same in ({"seed": 9}, {"probes": ("weight_drift",)}, {"utility": ()},
                 {"variants": ("{user} Now.",)}, {"judges": (base.judges[0],)}):  # fmt: skip
        assert condition(dataclasses.replace(base, **same)) == condition(base), same
    for other in ({"epochs": 2}, {"n_prompts": 5}, {"judges": ("form",)}, {"method": "lora"}):
        assert condition(dataclasses.replace(base, **other)) != condition(base), other


def test_other_seeds_are_those_that_are_stored(two_grids, store):
    (first, _), wide = two_grids.grid("shots_curve"), two_grids.grid("harmful_shots")
    assert other_seeds(two_grids, [first], store) == []
    run_grid(wide[1:2], store, jobs=1, progress=False)
    assert [run_id(e) for e in other_seeds(two_grids, [first], store)] == [run_id(wide[1])]
    assert other_seeds(two_grids, wide, store) == []  # it has that seed already


def test_whoever_ran_it_first_and_however_spelled_a_condition_is_one(store, monkeypatch):
    spellings = ["kl_anchor:strength=1.0", "kl_anchor", "kl_anchor:strength=2", "gone:Mine"]
    runs = pd.DataFrame({"run_id": list("abcd"), "mitigation": spellings, "seed": [1, 2, 1, 1],
                         "attack": ["selected_benign:by=representation", "none", None, "none"],
                         "learning_rate": 1e-3})  # fmt: skip
    monkeypatch.setattr(evidence, "other_seeds", lambda *given, **changes: [])
    monkeypatch.setattr(store, "runs", lambda ids: runs[:0])
    ran = {Experiment(seed=n): id for n, id in enumerate(runs.run_id)}
    found = evidence._pooled(SMOKE, {"benign": list(ran)}, ran, runs, store, own_seeds=True)
    names = ["kl_anchor", "kl_anchor", "kl_anchor:strength=2.0", "gone:Mine"]
    assert found.runs["benign"].mitigation.tolist() == names
    assert found.runs["benign"].attack.tolist() == ["selected_benign", *["none"] * 3]
    for typed in ("kl_anchor", "kl_anchor:strength=1"):
        assert list(found.where("benign", mitigation=typed).run_id) == ["a", "b"]


@pytest.mark.long
def test_results_over_seeds_count_what_was_scored(tiny_experiment, store):
    grid = [tiny_experiment(n_examples=n, seed=seed, epochs=3) for n in (10, 50) for seed in (3, 4)]
    runs = run_grid(grid, store, jobs=1, progress=False).runs
    table = results.over_seeds(store, runs, ["n_examples"])
    assert table.n_examples.tolist() == [10, 50]
    assert table.n_scored.tolist() == table.n_total.tolist() == [22, 22]
    assert table.harmfulness_rate.tolist() == [
        pytest.approx(runs[runs.n_examples == n].harmfulness_rate.mean()) for n in (10, 50)
    ]
    differences = (table.harmfulness_rate - table.initial_rate).tolist()
    assert table.effect.tolist() == pytest.approx(differences)
    refused = results.over_seeds(store, runs, ["n_examples"], "over_refusal", "keyword",
                                 "not refused")  # fmt: skip
    assert "harmfulness_rate" not in refused and refused.rate.between(0, 1).all()
    by_category = results.by_category(store, runs, ["n_examples"])
    assert by_category.groupby("n_examples").n_scored.sum().tolist() == [22, 22]
    weighted = by_category.groupby("n_examples").harmfulness_rate.mean()  # one prompt a shelf
    assert weighted.tolist() == pytest.approx(table.harmfulness_rate.tolist())

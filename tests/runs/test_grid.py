"""Many runs: resumable, killed and resumed, failures told by type, one training for several."""

import dataclasses
import itertools
import os
import pickle
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from filelock import FileLock

from helpers.errors import ConfigError, CostError, DataError, StoreError
from helpers.experiments.identity import run_id
from helpers.runs import grid as grids
from helpers.runs.engines.base import Outcome, RunFailed, WorkerLost
from helpers.runs.grid import families, read_grid, run_grid
from helpers.runs.run import run
from helpers.runs.store import Store
from helpers.training import loop

GRID = """
import sys
from helpers.presets import loader
from helpers.runs.grid import run_grid
smoke = loader.load("smoke")
grid = [smoke.experiment("harmful_examples", n_examples=10, epochs=1, n_prompts=11, seed=s)
        for s in range(10, 16)]
print("computed", run_grid(grid, jobs=int(sys.argv[1]), progress=False).computed)
"""


def start(outputs, jobs=2):
    return subprocess.Popen(
        [sys.executable, "-c", GRID, str(jobs)],
        env=os.environ | {"ALIGNDRIFT_OUTPUTS": str(outputs)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(outputs):
    """Run id -> when it was stored."""
    return {p.parent.name: p.stat().st_mtime_ns for p in outputs.glob("runs/[!.]*/run.json")}


@pytest.mark.long
def test_kill_9_loses_nothing_and_nothing_is_computed_twice(outputs):
    process = start(outputs)
    deadline = time.monotonic() + 120
    while len(finished(outputs)) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = finished(outputs)
    again = start(outputs)
    printed, _ = again.communicate(timeout=180)
    after = finished(outputs)
    assert len(after) == 7 and printed.split() == ["computed", str(7 - len(before))]
    assert before.items() <= after.items()
    assert not list(outputs.glob("runs/.partial-*"))


@pytest.mark.long
def test_two_processes_on_one_folder_share_the_work(outputs):
    pair = [start(outputs, jobs=1) for _ in range(2)]
    assert all(p.wait(timeout=180) == 0 for p in pair)
    assert len(finished(outputs)) == 7
    assert not (outputs / "set_aside").exists()


def test_what_another_process_computes_is_left_to_it_and_waited_for(
    tiny_experiment, store, monkeypatch
):
    """Two processes that wait for each other's run at every turn would share nothing."""
    grid = [tiny_experiment(seed=seed) for seed in (4, 5, 6)]
    run(grid[0].initial(), store)
    elsewhere, began = FileLock(store.folder / "locks" / f"{run_id(grid[0])}.lock"), []
    elsewhere.acquire()

    def noting(experiment, *args):
        began.append(experiment.seed)
        if experiment.seed == 6:
            elsewhere.release()
        return run(experiment, *args)

    monkeypatch.setattr(grids, "run", noting)
    result = run_grid(grid, store, jobs=1, progress=False)
    assert began == [5, 6, 4] and not result.failed
    assert list(result.runs.seed) == [4, 5, 6]


def test_what_is_stored_is_not_computed_again(tiny_experiment, store):
    grid = [tiny_experiment(seed=seed) for seed in (4, 5)]
    first = run_grid([*grid, grid[0]], store, jobs=1, progress=False)
    assert first.computed == 3 and list(first.runs.run_id) == [run_id(e) for e in grid]
    again = run_grid(grid[::-1], store, jobs=1, progress=False)
    assert again.computed == 0 and list(again.runs.seed) == [5, 4]


def test_only_what_is_not_stored_is_checked(tiny_experiment, store, monkeypatch):
    run_grid([tiny_experiment(seed=4)], store, jobs=1, progress=False)
    checked = []
    monkeypatch.setattr(grids, "check", checked.append)
    new = tiny_experiment(seed=5)
    run_grid([tiny_experiment(seed=4), new], store, jobs=1, progress=False)
    assert checked == [new]


def test_a_failed_experiment_is_told_by_its_type_and_the_others_are_stored(
    tiny_experiment, store, monkeypatch, capsys
):
    def fails_for_seed_5(experiment, *args):
        if experiment.seed == 5:
            raise RuntimeError("boom")
        return run(experiment, *args)

    monkeypatch.setattr(grids, "run", fails_for_seed_5)
    grid = [tiny_experiment(seed=seed) for seed in (4, 5, 6)]
    result = run_grid(grid, store, jobs=1, progress=False)
    assert list(result.runs.seed) == [4, 6]
    ((id, error),) = result.failed.items()
    assert id == run_id(grid[1])
    assert type(error) is RunFailed and str(error) == "RuntimeError: boom"
    assert f"failed: {id}: RuntimeError: boom" in capsys.readouterr().err


def test_errors_cross_from_one_process_to_another():
    cost = CostError("these runs may cost 7 dollars.", 7.5)
    copy = pickle.loads(pickle.dumps(cost))
    assert type(copy) is CostError and (str(copy), copy.cost) == (str(cost), 7.5)
    for error in (RunFailed("RuntimeError: boom"), WorkerLost("killed"), StoreError("full")):
        outcome = pickle.loads(pickle.dumps(Outcome("some-run", error)))
        assert type(outcome.error) is type(error) and str(outcome.error) == str(error)


@pytest.mark.long
def test_runs_that_differ_in_epochs_alone_are_one_training_with_the_same_words(
    tiny_experiment, tmp_path, monkeypatch
):
    grid = [tiny_experiment(epochs=n, seed=s) for s in (4, 5) for n in (3, 1)]
    grid += [tiny_experiment(epochs=n, seed=4, method="lora") for n in (1, 2)]
    trained, train = [], loop.train_by_epoch

    def counting(*args, **settings):
        trained.append(settings["epochs"])
        return train(*args, **settings)

    monkeypatch.setattr(loop, "train_by_epoch", counting)
    together = Store(tmp_path / "together")
    assert not run_grid(grid, together, jobs=1, progress=False).failed
    assert sorted(trained) == [1, 2, 3, 3]
    for experiment in grid:
        alone = run(experiment, Store(tmp_path / "alone"))
        shared = together.get(run_id(experiment))
        pd.testing.assert_frame_equal(alone.completions, shared.completions)
        assert alone.row["final_loss"] == pytest.approx(shared.row["final_loss"])
        assert alone.row["initial_harmfulness_rate"] == shared.row["initial_harmfulness_rate"]
    seconds = together.runs([run_id(grid[1]), run_id(grid[0])]).finetune_seconds
    assert seconds.is_monotonic_increasing


def test_what_a_killed_worker_had_stored_has_not_failed(tiny_experiment, store):
    grid = [tiny_experiment(epochs=n) for n in (1, 2)]
    result = run_grid(grid, store, jobs=1, progress=False, engine="test_grid:killed_after_one")
    assert list(result.runs.epochs) == [1] and result.computed == 2  # and the initial run
    assert list(result.failed) == [run_id(grid[1])]


def killed_after_one(families, carry_out, jobs):
    """Carries the first experiment of each family out, and loses its worker then."""
    for family in families:
        carry_out(family[:1])
        yield [Outcome(run_id(one), WorkerLost("killed")) for one in family]


def test_only_full_fine_tunings_in_one_process_share_a_training(tiny_experiment):
    def sizes(**settings):
        return [len(f) for f in families(tiny_experiment(epochs=n, **settings) for n in (1, 2))]

    assert sizes() == [2]
    assert sizes(mitigation="safety_mixing", n_safety=5) == [2]
    assert sizes(method="lora") == [1, 1]
    assert sizes(processes=2) == [1, 1]
    seeds = [tiny_experiment(epochs=n, seed=s) for n in (1, 2) for s in (4, 5)]
    assert [[e.epochs for e in family] for family in families(seeds)] == [[1, 2], [1, 2]]


def test_of_one_training_what_was_done_before_a_failure_is_stored(
    tiny_experiment, store, monkeypatch
):
    put, grid = store.put, [tiny_experiment(epochs=n) for n in (1, 2, 3)]

    def full_at_2(self, row, *tables):
        if row["epochs"] == 2:
            raise StoreError("no room")
        return put(row, *tables)

    monkeypatch.setattr(Store, "put", full_at_2)
    result = run_grid(grid, store, jobs=1, progress=False)
    assert list(result.runs.epochs) == [1]
    assert set(result.failed) == {run_id(e) for e in grid[1:]}
    assert {type(error) for error in result.failed.values()} == {StoreError}
    monkeypatch.undo()
    assert run_grid(grid, store, jobs=1, progress=False).computed == 2


def test_a_grid_is_checked_before_it_starts(tiny_experiment, store):
    with pytest.raises(DataError, match="500 were asked for"):
        run_grid([tiny_experiment(seed=4), tiny_experiment(n_examples=500)], store, progress=False)
    with pytest.raises(ConfigError, match="the grid is empty"):
        run_grid([], store)
    with pytest.raises(ConfigError, match="jobs must be at least 1"):
        run_grid([tiny_experiment()], store, jobs=-1)
    with pytest.raises(ConfigError, match="did you mean local"):
        run_grid([tiny_experiment()], store, engine="loca")
    assert store.ids() == []


def test_other_engines_give_the_same_runs_and_what_one_leaves_out_has_failed(
    tiny_experiment, tmp_path
):
    grid = [tiny_experiment(seed=seed) for seed in (4, 5)]

    def scores(engine):
        store = Store(tmp_path / engine.split(":")[-1])
        result = run_grid(grid, store, jobs=1, progress=False, engine=engine)
        return result.runs.set_index("run_id").harmfulness_score if len(result.runs) else result

    local, threads = scores("local"), scores("helpers.runs.engines.threads:carry_out_all")
    pd.testing.assert_series_equal(local, threads)
    idle = scores("test_grid:idle_engine")
    assert set(idle.failed) == {run_id(e) for e in (*grid, grid[0].initial())}
    assert {type(error) for error in idle.failed.values()} == {RunFailed}


def idle_engine(families, carry_out, jobs):
    """Carries nothing out."""
    return iter(())


# --- grid files ----------------------------------------------------------------------------------


def test_a_grid_file_is_every_combination(tmp_path):
    file = tmp_path / "grid.yaml"
    file.write_text(
        "preset: smoke\nvary: {n_examples: [10, 50], seed: [11, 12, 13]}\nfixed: {epochs: 2}"
    )
    grid = read_grid(str(file))
    assert {(e.n_examples, e.seed) for e in grid} == {
        (n, seed) for n in (10, 50) for seed in (11, 12, 13)
    }
    assert len(grid) == len({run_id(e) for e in grid}) == 6 and {e.epochs for e in grid} == {2}
    same = dataclasses.replace(grid[0], seed=12)
    assert same in grid


BAD_GRIDS = [
    ("preset: smoke", "needs `vary`"),
    ("vary: {seed: 11}", "must be a list"),
    ("vary: {seed: []}", "must be a list"),
    ("vary: {1: [1]}", "unknown setting 1"),
    ("vary: {on: [1]}", "unknown setting"),
    ("vary: {seed: [11]}\nfixed: {1: 2}", "unknown setting 1"),
    ("vary: {seed: [11]}\nfixed: []", "`fixed` must hold settings"),
    ("vary: {seeds: [11]}", "did you mean seed"),
    ("vary: {seed: [11]}\nteir: x", r"unknown entry 'teir' \(did you mean tier"),
    ("vary: {learning_rate: [2e-5]}", "write 2.0e-5"),
    ("vary: [", "cannot be read"),
    ("- vary", "must hold settings"),
    ("vary: null", "needs `vary`"),
    ("vary: {}", "needs `vary`"),
    ("vary: [1, 2]", "needs `vary`"),
    ("vary: {seed: null}", "seed must be a list of values, not None"),
    ("vary: {seed: [null]}", "seed must be a whole number, not None"),
    ("vary: {seed: [true]}", "seed must be a whole number, not True"),
    ("vary: {seed: [1.5]}", "seed must be a whole number"),
    ("vary: {seed: [11, 010]}", "line 1 has 010, which YAML reads as octal"),
    ("vary: {seed: [1:30]}", "to base 60"),
    ("vary: {learning_rate: [.nan]}", "no setting takes"),
    ("vary: {judges: [null]}", "judges must be a list of names, not None"),
    ("vary: {judges: [{exact: 1}]}", "judges must be a list of names"),
    ("vary: {method: [[full]]}", "method must be text"),
    ("vary: {method: [{full: 1}]}", "method must be text"),
    ("vary: {seed: [11]}\nvary: {seed: [12]}", "line 2 names vary a second time"),
    ("vary: {seed: [11], seed: [12]}", "names seed a second time"),
    ("vary: {seed: [11]}\nfixed: {seed: 12}", "seed is both varied and fixed"),
    ("vary: {tier: [identity_shift]}\ntier: harmful_examples", "tier is both varied and fixed"),
    ("vary: {seed: [11]}\nfixed: [epochs]", "`fixed` must hold settings"),
    ("vary: {seed: [11]}\npreset: null", "must be names"),
    ("vary: {seed: [11]}\npreset: [tiny]", "must be names"),
    ("vary: {seed: [11]}\npreset: tinny", "did you mean tiny"),
    ("vary: {seed: [11]}\ntier: 3", "must be names"),
    ("vary: {seed: [11]}\ntier: harmful_exmples", "did you mean harmful_examples"),
]


@pytest.mark.parametrize(("text", "message"), BAD_GRIDS)
def test_a_bad_grid_file_is_told(tmp_path, text, message):
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        read_grid(str(file))
    assert str(error.value).startswith("grid file grid.yaml") and "\n" not in str(error.value)


def test_a_grid_in_another_encoding_is_told_by_line(tmp_path):
    file = tmp_path / "grid.yaml"
    file.write_bytes("preset: tiny\nvary: {seed: [11]}\n# für Löwen\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"grid\.yaml cannot be read: line 3 is not UTF-8"):
        read_grid(str(file))


def test_a_grid_too_large_is_refused_with_its_size_before_it_is_built(tmp_path, tiny_experiment):
    file, begun = tmp_path / "grid.yaml", time.monotonic()
    seeds = ", ".join(map(str, range(1000)))
    file.write_text(f"vary: {{seed: [{seeds}], n_examples: [{seeds}], epochs: [{seeds[:28]}]}}")
    with pytest.raises(ConfigError, match="has 10,000,000 combinations, of which 100,000 are"):
        read_grid(str(file))
    endless = (tiny_experiment(seed=seed) for seed in itertools.count())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids, "MOST", 50)
        with pytest.raises(ConfigError, match="more than 50 experiments"):
            run_grid(endless, progress=False)
    assert time.monotonic() - begun < 5


def test_a_grid_file_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match=r"gone\.yaml cannot be read"):
        read_grid("gone.yaml")

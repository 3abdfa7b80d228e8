"""Nothing is lost: kill, damage, a full disk and two processes at once."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from helpers.training import loop as finetune
from helpers.runs import stages
from helpers.runs import grid as grids
from helpers.errors import ConfigError, StoreError
from helpers.runs.grid import read_grid, run_grid
from helpers.runs.run import run
from helpers.runs.store import Store


def test_a_run_is_computed_once_and_read_after(tiny_experiment, store, monkeypatch):
    first = run(tiny_experiment(), store)
    monkeypatch.setattr(stages, "compute", lambda *_: pytest.fail("computed twice"))
    again = run(tiny_experiment(), store)
    assert again.row == first.row
    pd.testing.assert_frame_equal(again.completions, first.completions)
    pd.testing.assert_frame_equal(again.judgements, first.judgements)


def test_the_tables_are_tidy_and_complete(tiny_experiment, store):
    result = run(tiny_experiment(), store)
    assert result.row["n_total"] == 11 and result.row["initial_harmfulness_rate"] is not None
    assert set(result.completions.run_id) == {result.row["run_id"]}
    per_judge = result.judgements.groupby("judge").size()
    assert set(per_judge) == {len(result.completions)} and len(per_judge) == 3
    keyword = result.judgements[result.judgements.judge == "keyword"]
    assert keyword.score.isna().all()  # missing is missing


def test_a_run_is_the_same_whenever_it_is_computed(tiny_experiment, tmp_path):
    one, two = (run(tiny_experiment(), Store(tmp_path / name)) for name in ("a", "b"))
    pd.testing.assert_frame_equal(one.completions, two.completions)


@pytest.mark.parametrize("damage", ["cut", "flip", "remove", "no json"])
def test_a_damaged_run_is_set_aside_told_and_computed_again(tiny_experiment, store, damage):
    first = run(tiny_experiment(), store)
    folder = store.runs_folder / first.row["run_id"]
    table = folder / "completions.parquet"
    content = bytearray(table.read_bytes())
    if damage == "cut":
        table.write_bytes(content[:-20])
    elif damage == "flip":
        content[len(content) // 2] ^= 0xFF
        table.write_bytes(content)
    elif damage == "remove":
        table.unlink()
    else:
        (folder / "run.json").write_text("{")
    with pytest.warns(UserWarning, match="was damaged"):
        again = run(tiny_experiment(), store)
    pd.testing.assert_frame_equal(again.completions, first.completions)
    assert len(list((store.folder / "set_aside").iterdir())) == 1


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tiny_experiment, store, monkeypatch):
    kept = run(tiny_experiment(), store).row["run_id"]

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StoreError, match=r"No space left.*free some space"):
        run(tiny_experiment(seed=4), store)
    assert not list(store.runs_folder.glob(".partial-*"))
    assert store.get(kept)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "outputs")


def test_what_a_killed_process_left_is_swept(store):
    partial = store.runs_folder / ".partial-harmful_examples-10-full-seed1-abc"
    partial.mkdir()
    (partial / "completions.parquet").write_bytes(b"PAR1")
    assert Store(store.folder).ids() == [] and not partial.exists()


GRID = """
import sys
from helpers.presets import loader as presets
from helpers.runs.grid import run_grid
tiny = presets.load("smoke")
grid = [tiny.experiment("harmful_examples", n_examples=10, epochs=1, n_prompts=11, seed=s)
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
    said, _ = again.communicate(timeout=180)
    after = finished(outputs)
    assert len(after) == 7 and said.split() == ["computed", str(7 - len(before))]
    assert before.items() <= after.items()
    assert not list(outputs.glob("runs/.partial-*"))


def test_two_processes_on_one_folder_share_the_work(outputs):
    pair = [start(outputs, jobs=1) for _ in range(2)]
    assert all(p.wait(timeout=180) == 0 for p in pair)
    assert len(finished(outputs)) == 7
    assert not (outputs / "set_aside").exists()


def test_a_failed_experiment_is_reported_and_the_others_are_kept(
    tiny_experiment, store, monkeypatch
):
    real = grids.run

    def fails_for_seed_5(experiment, *args):
        if experiment.seed == 5:
            raise RuntimeError("boom")
        return real(experiment, *args)

    monkeypatch.setattr(grids, "run", fails_for_seed_5)
    grid = [tiny_experiment(seed=s) for s in (4, 5, 6)]
    result = run_grid(grid, store, jobs=1, progress=False)
    assert list(result.runs.seed) == [4, 6]
    assert result.failed == {grid[1].id: "RuntimeError: boom"}


def test_runs_that_differ_in_epochs_alone_are_one_training_with_the_same_words(
    tiny_experiment, tmp_path, monkeypatch
):
    grid = [tiny_experiment(epochs=n, seed=s) for s in (4, 5) for n in (3, 1)]
    grid += [tiny_experiment(epochs=n, seed=4, method="lora") for n in (1, 2)]
    trained = []
    real = finetune.train_by_epoch
    monkeypatch.setattr(
        finetune, "train_by_epoch", lambda *a, **k: trained.append(k["epochs"]) or real(*a, **k)
    )
    together = Store(tmp_path / "together")
    assert not run_grid(grid, together, jobs=1, progress=False).failed
    assert sorted(trained) == [1, 2, 3, 3]
    for e in grid:
        alone, shared = run(e, Store(tmp_path / "alone")), together.get(e.id)
        pd.testing.assert_frame_equal(alone.completions, shared.completions)
        assert alone.row["final_loss"] == pytest.approx(shared.row["final_loss"])
        assert alone.row["initial_harmfulness_rate"] == shared.row["initial_harmfulness_rate"]
    seconds = together.runs([grid[1].id, grid[0].id]).finetune_seconds
    assert seconds.is_monotonic_increasing


def test_of_one_training_what_was_done_before_a_failure_is_kept(
    tiny_experiment, store, monkeypatch
):
    real, grid = store.put, [tiny_experiment(epochs=n) for n in (1, 2, 3)]

    def full_at_2(self, row, *tables):
        if row["epochs"] == 2:
            raise StoreError("no room")
        return real(row, *tables)

    monkeypatch.setattr(Store, "put", full_at_2)
    result = run_grid(grid, store, jobs=1, progress=False)
    assert list(result.runs.epochs) == [1] and set(result.failed) == {e.id for e in grid[1:]}
    monkeypatch.undo()
    assert run_grid(grid, store, jobs=1, progress=False).computed == 2


def test_a_grid_is_checked_before_it_starts(tiny_experiment, store):
    grid = [tiny_experiment(seed=4), tiny_experiment(n_examples=500)]
    with pytest.raises(ValueError, match="500 were asked for"):
        run_grid(grid, store, progress=False)
    assert store.ids() == []


def test_a_grid_file_is_every_combination(tmp_path):
    file = tmp_path / "grid.yaml"
    file.write_text(
        "preset: smoke\nvary: {n_examples: [10, 50], seed: [11, 12, 13]}\nfixed: {epochs: 2}"
    )
    grid = read_grid(str(file))
    assert len({e.id for e in grid}) == 6 and {e.epochs for e in grid} == {2}


BAD_GRIDS = [
    ("preset: smoke", "needs `vary`"),
    ("vary: {seed: 11}", "must be a list"),
    ("vary: {seeds: [11]}", "did you mean seed"),
    ("vary: {seed: [11]}\nteir: x", "unknown entry 'teir'"),
    ("vary: {learning_rate: [2e-5]}", "write 2.0e-5"),
]


@pytest.mark.parametrize(("text", "message"), BAD_GRIDS)
def test_a_bad_grid_file_is_told(tmp_path, text, message):
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_grid(str(file))


def test_stored_rows_are_plain_json(tiny_experiment, store):
    result = run(tiny_experiment(), store)
    text = (store.runs_folder / result.row["run_id"] / "run.json").read_text()
    assert "NaN" not in text and "/" + "root" not in text
    json.loads(text)

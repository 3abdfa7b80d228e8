"""Nothing is lost: damage, a full disk, what a killed process left."""

import errno
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path

import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.experiments.identity import run_id
from helpers.runs import stages
from helpers.runs.grid import run_grid
from helpers.runs.run import run
from helpers.runs.store import Store


def test_a_run_is_computed_once_and_read_after(tiny_experiment, store, monkeypatch):
    first = run(tiny_experiment(), store)

    def again_computed(*_, **__):
        pytest.fail("computed twice")

    monkeypatch.setattr(stages, "compute", again_computed)
    again = run(tiny_experiment(), store)
    assert again.row == first.row
    pd.testing.assert_frame_equal(again.completions, first.completions)
    pd.testing.assert_frame_equal(again.judgements, first.judgements)


def cut(folder):
    table = folder / "completions.parquet"
    table.write_bytes(table.read_bytes()[:-20])


def flipped(folder):
    table = folder / "judgements.parquet"
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 0xFF
    table.write_bytes(content)


def removed(folder):
    (folder / "completions.parquet").unlink()


def no_row(folder):
    (folder / "run.json").unlink()


def emptied(folder):
    for file in folder.iterdir():
        file.unlink()


def a_folder(folder):
    (folder / "run.json").unlink()
    (folder / "run.json").mkdir()


def a_file(folder):
    emptied(folder)
    folder.rmdir()
    folder.write_text("")


def replaced(content):
    def damage(folder):
        (folder / "run.json").write_bytes(content)

    return damage


def changed(**values):
    def damage(folder):
        row = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(row | values))

    return damage


SHAPES = [b"{", b"", b"[]", b"null", b"7", b"{}", b'{"checksums": []}', b"\xff\xfe", b"[" * 10**5,
          b'{"checksums": {}}', b'{"checksums": {"../../x": "y"}}']  # fmt: skip
DAMAGES = [cut, flipped, removed, no_row, emptied, a_folder, a_file, *map(replaced, SHAPES)]
DAMAGES += [changed(harmfulness_rate=0.5), changed(n_scored=None), changed(extra=1),
            changed(run_id="other"), changed(checksums={})]  # fmt: skip


def test_a_damaged_run_is_set_aside_told_and_computed_again(tiny_experiment, store, tmp_path):
    first = run(tiny_experiment(), store)
    id = first.row["run_id"]
    whole = shutil.copytree(store.runs_folder / id, tmp_path / "whole")
    for n, damage in enumerate(DAMAGES, start=1):
        damage(store.runs_folder / id)
        with pytest.warns(UserWarning, match=f"run {id} was damaged .*computed again") as told:
            assert store.get(id) is None
        assert str(tmp_path) not in str(told[0].message)
        assert not (store.runs_folder / id).exists() and not store.has(id)
        assert len(list((store.folder / "set_aside").iterdir())) == n
        shutil.copytree(whole, store.runs_folder / id)
        assert store.get(id).row == first.row
    cut(store.runs_folder / id)
    with pytest.warns(UserWarning, match="was damaged"):
        again = run(tiny_experiment(), store)
    pd.testing.assert_frame_equal(again.completions, first.completions)


def test_tables_that_two_runs_have_exchanged_are_damage(tiny_experiment, store):
    folders = [
        store.runs_folder / run(tiny_experiment(seed=seed), store).row["run_id"] for seed in (3, 4)
    ]
    tables = [(folder / "completions.parquet").read_bytes() for folder in folders]
    for folder, table in zip(folders, tables[::-1], strict=True):
        (folder / "completions.parquet").write_bytes(table)
    with pytest.warns(UserWarning, match="is not what was written"):
        assert not any(store.has(folder.name) for folder in folders)
    assert len(store.ids()) == 1  # the initial run


def test_a_run_that_was_stored_before_rows_had_a_checksum_is_read(tiny_experiment, store):
    stored = run(tiny_experiment(), store).row
    file = store.runs_folder / stored["run_id"] / "run.json"
    row = json.loads(file.read_text())
    del row["checksums"]["run.json"]
    file.write_text(json.dumps(row))
    with pytest.warns(UserWarning, match="stored before run.json had a checksum"):
        assert store.get(stored["run_id"]).row == stored


def test_a_pipe_is_no_run_and_nobody_waits_for_it(tiny_experiment, store):
    folder = store.runs_folder / run_id(tiny_experiment())
    folder.mkdir(parents=True)
    os.mkfifo(folder / "run.json")
    assert store.ids() == []


def test_a_damaged_run_is_computed_again_by_the_same_sweep(tiny_experiment, store):
    grid = [tiny_experiment(seed=seed) for seed in (3, 4)]
    first = run_grid(grid, store, jobs=1, progress=False)
    changed(harmfulness_rate=0.987)(store.runs_folder / run_id(grid[0]))
    with pytest.warns(UserWarning, match=r"run\.json is not what was written"):
        again = run_grid(grid, store, jobs=1, progress=False)
    assert again.computed == 1
    assert list(again.runs.harmfulness_rate) == list(first.runs.harmfulness_rate)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
def test_what_cannot_be_read_is_not_damaged_and_stays(tiny_experiment, store, monkeypatch, number):
    id = run(tiny_experiment(), store).row["run_id"]
    with monkeypatch.context() as patch:

        def denied(self, *_, **__):
            raise OSError(number, os.strerror(number), str(self))

        patch.setattr(Path, "read_bytes", denied)
        for use in (store.has, store.get, lambda id: store.runs([id]), lambda _: store.runs()):
            with pytest.raises(StoreError, match=r"cannot be read \(.*\) and is left as it is"):
                use(id)
        with pytest.raises(StoreError, match="is left as it is"):
            run(tiny_experiment(), store)
    assert store.has(id) and not (store.folder / "set_aside").exists()


def test_what_is_no_run_is_left_where_it_is(tiny_experiment, store):
    ids = store.ids() if run(tiny_experiment(), store) else []
    notes = store.runs_folder / "my notes"
    notes.mkdir()
    (notes / "run.json").write_text('{"run_id": "my notes"}')
    (store.runs_folder / "todo.txt").write_text("read these")
    (store.runs_folder / "initial-0123456789ab").write_text("a file")
    for id in ids:
        shutil.copytree(store.runs_folder / id, store.runs_folder / f"backup-{id}")
        shutil.copytree(store.runs_folder / id, store.runs_folder / f"{id} copy")
    before = sorted(store.runs_folder.rglob("*"))
    with warnings.catch_warnings(action="error"):
        assert store.ids() == ids and list(store.runs().run_id) == ids
        assert run_grid([tiny_experiment()], store, jobs=1, progress=False).computed == 0
    assert sorted(store.runs_folder.rglob("*")) == before


def test_a_damaged_run_that_cannot_be_moved_is_left_out_and_told(
    tiny_experiment, store, monkeypatch
):
    id = run(tiny_experiment(), store).row["run_id"]
    cut(store.runs_folder / id)

    def read_only(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", read_only)
        with pytest.warns(UserWarning, match=r"cannot be set aside \(Read-only"):
            assert id not in set(store.runs().run_id)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tiny_experiment, store, monkeypatch):
    stored = run(tiny_experiment(), store).row["run_id"]

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StoreError, match=r"No space left.*free some space"):
        run(tiny_experiment(seed=4), store)
    assert not list(store.runs_folder.glob(".partial-*"))
    assert store.get(stored)


@pytest.mark.parametrize(
    ("number", "what"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "make it writable")]
)
def test_where_nothing_can_be_stored_that_is_told_before_the_work(
    tiny_experiment, store, monkeypatch, number, what
):
    stored = run(tiny_experiment(), store).row["run_id"]

    def fails(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", fails)
    monkeypatch.setattr(stages, "compute", fails)
    match = f"nothing can be stored in outputs .*{what}"
    with pytest.raises(StoreError, match=match):
        run(tiny_experiment(seed=4), store)
    with pytest.raises(StoreError, match=match):
        run_grid([tiny_experiment(seed=4)], store, progress=False)
    assert run(tiny_experiment(), store).row["run_id"] == stored  # what is stored can be read
    assert run_grid([tiny_experiment()], store, progress=False).computed == 0


def test_locks_that_dead_processes_left_hold_nobody_up(store):
    (store.folder / "locks").mkdir(exist_ok=True)
    (store.folder / "locks" / "some-run.lock").write_text("12345")
    with warnings.catch_warnings(action="error"), store.claim("some-run"):
        pass


def test_a_claim_that_cannot_be_made_is_told(store):
    (store.folder / "locks").rmdir() if (store.folder / "locks").exists() else None
    (store.folder / "locks").write_text("a file")
    with (
        pytest.raises(StoreError, match="some-run cannot be claimed"),
        store.claim("some-run"),
    ):
        pytest.fail("claimed")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file" / "outputs")


def test_what_a_killed_process_left_is_swept(store):
    partial = store.runs_folder / ".partial-harmful_examples-10-full-seed1-abc"
    partial.mkdir()
    (partial / "completions.parquet").write_bytes(b"PAR1")
    assert Store(store.folder).ids() == [] and not partial.exists()


def test_what_another_process_is_writing_is_left_alone(store):
    partial = store.runs_folder / ".partial-some-run"
    partial.mkdir()
    with store.claim("some-run"):
        assert Store(store.folder).ids() == [] and partial.exists()


def test_stored_rows_are_plain_json(tiny_experiment, store):
    result = run(tiny_experiment(), store)
    text = (store.runs_folder / result.row["run_id"] / "run.json").read_text()
    assert "NaN" not in text and "/" + "root" not in text and str(store.folder) not in text
    assert json.loads(text).keys() == result.row.keys() | {"checksums"}


def test_tables_of_several_runs_stand_one_under_the_other(tiny_experiment, store):
    runs = [run(tiny_experiment(seed=seed), store) for seed in (3, 4)]
    ids = [one.row["run_id"] for one in runs]
    table = store.table("completions", ids)
    assert list(dict.fromkeys(table.run_id)) == ids
    assert len(table) == sum(len(one.completions) for one in runs)
    assert list(store.runs(ids[::-1]).run_id) == ids[::-1]
    assert set(store.runs().run_id) == {*ids, runs[0].row["initial_run_id"]}
    assert store.table("completions", ["no-such-run"]).empty and store.get("no-such-run") is None


def test_a_number_that_is_none_is_null_in_the_file(tiny_experiment, store):
    done = run(tiny_experiment(), store)
    row = done.row | {"run_id": "initial-0123456789ab", "final_loss": float("nan")}
    assert store.put(row, done.completions, done.judgements).row["final_loss"] is None
    text = (store.runs_folder / row["run_id"] / "run.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["final_loss"] is None

"""Nothing is lost: damage, a full disk, what a killed process left."""

import errno
import json

import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.runs import stages
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
    stored = run(tiny_experiment(), store).row["run_id"]

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StoreError, match=r"No space left.*free some space"):
        run(tiny_experiment(seed=4), store)
    assert not list(store.runs_folder.glob(".partial-*"))
    assert store.get(stored)


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

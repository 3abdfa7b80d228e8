"""Many runs are listed without reading each anew, and never wrongly."""

import os
import shutil
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from many_runs import many

from helpers.errors import ConfigError
from helpers.experiments.identity import run_id
from helpers.reporting import results
from helpers.runs import grid as grids
from helpers.runs import index
from helpers.runs import store as stores
from helpers.runs.grid import run_grid
from helpers.runs.run import run
from helpers.runs.store import Store

N = 500


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store of N runs and their initial one, two seconds old, and the experiments in it."""
    folder = tmp_path_factory.mktemp("many") / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
        experiments = many(folder, conditions=N // 10, seeds=10)
    old = time.time() - 60
    for file in (folder / "runs").rglob("*.*"):
        os.utime(file, (old, old))
    return folder, experiments


@pytest.fixture
def stored(whole, tmp_path, monkeypatch):
    """A copy of that store which counts as old, and its experiments."""
    folder, experiments = whole
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.setattr(index, "_COARSE", 0)
    return Store(tmp_path / "copy"), experiments


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that were read, as they are read."""
    names, read = [], Path.read_bytes

    def noted(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    return names


def test_what_was_listed_is_not_read_again(stored, opened):
    store, _ = stored
    first = store.runs()
    assert len(first) == N + 1 and len(opened) >= 3 * N
    opened.clear()
    again = Store(store.folder).runs()
    assert opened == []
    pd.testing.assert_frame_equal(again, first)


def test_a_table_reads_one_file_a_run(stored, opened):
    store, _ = stored
    runs = store.runs().query("method != 'none'")
    opened.clear()
    table = results.over_seeds(store, runs, ["learning_rate"])
    assert len(table) == N // 10 and set(table.n_seeds) == {10}
    assert set(opened) == {"judgements.parquet"} and len(opened) == N + 1


def test_it_knows_the_runs_whose_rows_it_has(stored):
    store, _ = stored
    store.runs()
    known, id = index.Index(store.runs_folder), store.ids()[0]
    assert known.knows(id) and not known.knows("no-such-run")
    os.utime(store.runs_folder / id / "run.json")
    assert not known.knows(id) and known.row(id) is None


def test_a_grid_reads_what_is_stored_a_few_times_at_most(stored, opened, monkeypatch):
    store, experiments = stored
    new = [replace(experiments[0], seed=900 + n) for n in range(3)]
    store.runs()
    monkeypatch.setattr(grids, "carry_out_family", lambda *_, **__: [])
    opened.clear()
    checked = []
    monkeypatch.setattr(grids, "check", checked.append)
    result = run_grid([*experiments, *new], store, jobs=1, progress=False)
    assert result.runs.shape[0] == N and set(result.failed) == {run_id(one) for one in new}
    assert checked == new
    assert len(opened) < N / 10


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["run.json", "completions.parquet", "judgements.parquet"])
def test_damage_is_found_whatever_the_index_says(stored, name):
    store, _ = stored
    ids = list(store.runs().run_id)
    folder = store.runs_folder / ids[7]
    size = (folder / name).stat().st_size
    flip(folder / name)
    assert (folder / name).stat().st_size == size
    fresh = Store(store.folder)
    with pytest.warns(UserWarning, match=f"run {ids[7]} was damaged .*computed again"):
        assert list(fresh.runs().run_id) == ids[:7] + ids[8:]
    assert not folder.exists() and len(list((store.folder / "set_aside").iterdir())) == 1


def test_a_change_right_after_the_reading_is_found(stored, monkeypatch):
    store, _ = stored
    monkeypatch.setattr(index, "_COARSE", 10**12)  # all of it was written just now
    assert len(store.runs()) == N + 1
    assert not (store.runs_folder / ".index").exists()


def test_what_is_gone_is_not_listed_and_what_is_new_is(stored):
    store, _ = stored
    ids = list(store.runs().run_id)
    shutil.rmtree(store.runs_folder / ids[3])
    new = many(store.folder, conditions=1, seeds=2, begin=700)
    listed = set(Store(store.folder).runs().run_id)
    assert listed == {*ids, *map(run_id, new)} - {ids[3]}


@pytest.mark.parametrize(
    "text", ["", "\n\n", "a\tb\n", "\x00\xff", "{}", "one\ttwo\tthree\tfour\n"]
)
def test_an_index_that_is_damaged_costs_time_alone(stored, text):
    store, _ = stored
    first = store.runs()
    file = store.runs_folder / ".index"
    file.write_text(
        text + file.read_text().replace('"harmfulness_rate": ', '"harmfulness_rate": 9')
    )
    with warnings.catch_warnings(action="error"):
        pd.testing.assert_frame_equal(Store(store.folder).runs(), first)


def test_an_index_that_cannot_be_written_stops_nobody(stored):
    store, _ = stored
    (store.runs_folder / ".index").mkdir()
    assert len(store.runs()) == N + 1
    assert not list(store.runs_folder.glob(".index-*"))


def test_of_few_runs_there_is_no_index(tiny_experiment, store):
    run(tiny_experiment(), store)
    assert len(store.runs()) == 2 and not (store.runs_folder / ".index").exists()


def test_an_experiment_without_an_id_is_told_by_its_check(tiny_experiment, store):
    with pytest.raises(ConfigError, match="no-such"):
        run_grid([tiny_experiment(dataset="no-such")], store, jobs=1, progress=False)
    assert store.runs_folder.is_dir() and not (store.folder / "set_aside").exists()


def test_tables_read_in_blocks_are_as_run_by_run(stored, monkeypatch):
    store, experiments = stored
    ids = [run_id(one) for one in experiments[:9]]
    at_once = store.table("judgements", ids)
    monkeypatch.setattr(stores, "MANY", 2)
    in_blocks = store.table("judgements", ids)
    pd.testing.assert_frame_equal(in_blocks, at_once)
    apart = pd.concat([store.get(id).judgements for id in ids], ignore_index=True)
    pd.testing.assert_frame_equal(at_once, apart)

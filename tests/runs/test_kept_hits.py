"""A table over many runs is the same whether its hits were read or remembered, and never stale."""

import shutil
import time

import pandas as pd
import pytest
from many_runs import many

from helpers.errors import StoreError
from helpers.runs import hits as counted
from helpers.runs import index, kept_hits
from helpers.runs.hits import hits, hits_of
from helpers.runs.store import Store

N = 30


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hits") / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
        many(folder, conditions=N // 10, seeds=10)
    return folder


@pytest.fixture
def store(whole, tmp_path, monkeypatch):
    """A store of N runs and their initial one, for which that many are many, and all are old."""
    monkeypatch.setattr(counted, "MANY", N)
    monkeypatch.setattr(index, "_COARSE", 0)
    shutil.copytree(whole, tmp_path / "copy")
    return Store(tmp_path / "copy")


@pytest.fixture
def read(monkeypatch):
    """The ids whose judgements were read, as they are read."""
    ids, own = [], Store.table

    def noted(store, name, asked, *rest):
        ids.extend(asked)
        return own(store, name, asked, *rest)

    monkeypatch.setattr(Store, "table", noted)
    return ids


def kept(store):
    return [file for file in store.runs_folder.iterdir() if file.name.startswith(".hits-")]


@pytest.mark.parametrize(
    ("judge", "use", "what"),
    [("exact", "benchmark", "fulfilled"), ("exact", "utility", "fulfilled"),
     ("keyword", "benchmark", "not refused"), ("exact", "benchmark", "told")],
)  # fmt: skip
def test_what_is_remembered_is_what_was_read(store, read, judge, use, what):
    ids = store.ids()
    plain = hits(store.table("judgements", ids), judge, use, what)
    read.clear()
    first = hits_of(store, ids, judge, use, what)
    assert sorted(read) == ids
    read.clear()
    again = hits_of(store, ids[::-1], judge, use, what)
    assert read == [] and len(kept(store)) == 1
    for table in (first, again):
        pd.testing.assert_frame_equal(table, plain, check_index_type=False, check_column_type=False)


def test_a_run_that_changed_is_read_again_and_a_new_one_beside(store, read):
    ids = store.ids()
    hits_of(store, ids, "exact")
    read.clear()
    changed = store.runs_folder / ids[3] / "judgements.parquet"
    changed.touch()
    assert len(hits_of(store, ids, "exact")) == len(ids) and read == [ids[3]]
    shutil.rmtree(store.runs_folder / ids[5])
    read.clear()
    assert len(hits_of(store, ids, "exact")) == len(ids) - 1 and set(read) == {ids[3], ids[5]}


@pytest.mark.parametrize("damage", ["", "\x00\n\t\t", "flip", "folder", "version"])
def test_a_memory_that_cannot_be_believed_is_not(store, read, monkeypatch, damage):
    ids = store.ids()
    right = hits_of(store, ids, "exact")
    (file,) = kept(store)
    if damage == "flip":  # a sign of one run
        text = file.read_text()
        at = text.rindex("0")
        file.write_text(text[:at] + "1" + text[at + 1 :])
    elif damage == "folder":
        file.unlink()
        file.mkdir()
    elif damage == "version":
        monkeypatch.setattr(kept_hits, "VERSION", 2)
    else:
        file.write_text(damage)
    read.clear()
    pd.testing.assert_frame_equal(hits_of(store, ids, "exact"), right)
    assert len(read) == (1 if damage == "flip" else len(ids))
    assert not list(store.runs_folder.glob(".hits-*-*"))


def test_a_run_that_was_written_just_now_is_not_remembered(store, read, monkeypatch):
    monkeypatch.setattr(index, "_COARSE", time.time_ns())
    ids = store.ids()
    for _ in range(2):
        read.clear()
        hits_of(store, ids, "exact")
        assert sorted(read) == ids


def test_runs_that_were_asked_different_prompts_are_read_each_time(store, read):
    ids = store.ids()
    one = store.get(ids[2])
    own = one.judgements
    first = own.prompt_id[own.use == "benchmark"].iloc[0]
    shutil.rmtree(store.runs_folder / ids[2])
    fewer = own[~((own.use == "benchmark") & (own.prompt_id == first))]
    store.put(one.row, one.completions, fewer)
    table = pd.DataFrame()
    for _ in range(2):
        read.clear()
        table = hits_of(store, ids, "exact")
        assert set(read) <= set(ids) and read
    assert table.loc[ids[2]].isna().sum() == 1 and table.isna().sum().sum() == 1


def test_where_nothing_was_judged_so_it_is_said(store):
    with pytest.raises(StoreError, match="no answers to variant_9 prompts were judged by exact"):
        hits_of(store, store.ids(), "exact", "variant_9")

"""Runs made on another disk come home; who sees the grid's folder stores there."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

from helpers.errors import StoreError
from helpers.experiments.identity import run_id
from helpers.runs import grid as grids
from helpers.runs.gathering import Anywhere, mark, stored
from helpers.runs.grid import carry_out_family, run_grid
from helpers.runs.run import run
from helpers.runs.store import Store


def one_after_the_other(families, carry_out, jobs):
    yield from map(carry_out, families)


@pytest.fixture
def places(monkeypatch):
    """The folders in which families were carried out."""
    folders = []

    def noting(family, folder, wait):
        folders.append(Path(folder))
        before = Store(folder).ids()
        outcomes = carry_out_family(family, folder, wait)
        made = set(Store(folder).ids()) - set(before)
        assert made == {run_id(one) for one in family}  # its initial run was there
        return outcomes

    monkeypatch.setattr(grids, "carry_out_family", noting)
    return folders


def grid(tiny_experiment):
    """Two trainings, one of which serves two runs."""
    return [tiny_experiment(), tiny_experiment(epochs=2), tiny_experiment(seed=4)]


@pytest.mark.long
def test_who_sees_the_folder_stores_there(tiny_experiment, store, places):
    result = run_grid(
        grid(tiny_experiment), store, progress=False, engine="test_gathering:one_after_the_other"
    )
    assert not result.failed and set(places) == {store.folder}
    assert not list((store.folder / "locks").glob("grid-*"))


def missing(folder):
    return nullcontext(folder / "not there")


def free(folder):
    """A lock that another machine would hold, were locks seen from one to the other."""
    lock = folder / "locks" / "free.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    return nullcontext(lock)


@pytest.mark.long
@pytest.mark.parametrize("unseen", [missing, free])
def test_who_does_not_sends_the_runs_home(
    tiny_experiment, store, places, monkeypatch, tmp_path, unseen
):
    monkeypatch.setattr(grids, "mark", unseen)
    experiments = grid(tiny_experiment)
    result = run_grid(
        experiments, store, progress=False, engine="test_gathering:one_after_the_other"
    )
    assert not result.failed and len(places) == 3 and store.folder not in places
    assert not any(place.exists() for place in places)
    here = Store(tmp_path / "here")
    run_grid(experiments, here, jobs=1, progress=False)
    assert len(here.ids()) == 4 and here.ids() == store.ids()
    for id in here.ids():
        assert store.get(id).completions.equals(here.get(id).completions)
        assert store.get(id).judgements.equals(here.get(id).judgements)


def test_what_cannot_be_stored_here_is_told(tiny_experiment, store, monkeypatch, tmp_path):
    experiment = tiny_experiment().initial()
    away = Anywhere(carry_out_family, store.folder, tmp_path / "none", {})
    outcomes = away([experiment])
    assert outcomes[0].run and not store.ids()

    def full(*args):
        raise StoreError("the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", full)
        (outcome,) = stored(outcomes, store)
    assert str(outcome.error) == "the disk is full." and not store.ids()
    assert [one.error for one in stored(outcomes, store)] == [None]
    before = os.stat(store.runs_folder / run_id(experiment)).st_mtime_ns
    assert [one.error for one in stored(outcomes, store)] == [None]  # it is there: left alone
    assert os.stat(store.runs_folder / run_id(experiment)).st_mtime_ns == before
    assert run(experiment, store).row == outcomes[0].run.row


def test_the_mark_is_a_lock_that_ends_with_the_grid(store):
    with mark(store.folder) as lock:
        assert lock.parent == store.folder / "locks" and lock.is_file()
        with pytest.raises(TimeoutError):
            FileLock(lock).acquire(blocking=False)
    assert not lock.exists()

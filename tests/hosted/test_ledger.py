"""What is known of a job is on the disk as soon as it is known, and a refusal is final."""

import pickle
import warnings
from contextlib import nullcontext

import pytest

from helpers.errors import StoreError
from helpers.hosted import ledger
from helpers.hosted.client import HostedError, NotThere
from helpers.hosted.ledger import JobRefused, Ledger


def test_entries_are_read_again_and_forgotten(tmp_path):
    file = tmp_path / "job.json"
    Ledger(file).note(job="ftjob-1", file="file-1")
    Ledger(file).note(file="file-2")
    assert Ledger(file) == {"job": "ftjob-1", "file": "file-2"}
    assert [f.name for f in tmp_path.iterdir()] == ["job.json"]
    Ledger(file).forget()
    Ledger(file).forget()
    assert Ledger(file) == {}


def test_a_refusal_is_raised_again_by_its_type(outputs):
    ledger.check_refused("some-run")
    ledger.folder("some-run").mkdir(parents=True)
    ledger.of("some-run").note(job="ftjob-1")
    ledger.check_refused("some-run")
    ledger.of("some-run").note(refused="the provider's job failed: flagged")
    with pytest.raises(JobRefused, match="job failed: flagged"):
        ledger.check_refused("some-run")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\x00", b"[" * 10**5])
def test_a_damaged_ledger_is_told_and_knows_nothing(tmp_path, content):
    file = tmp_path / "job.json"
    file.write_bytes(content)
    with pytest.warns(UserWarning, match="was damaged") if content else nullcontext():
        assert Ledger(file) == {}
    with warnings.catch_warnings(action="ignore"):
        Ledger(file).note(job="ftjob-1")
    assert Ledger(file) == {"job": "ftjob-1"}


def test_a_ledger_that_cannot_be_read_or_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"job\.json in file cannot be read"):
        Ledger(tmp_path / "file" / "job.json")
    (tmp_path / "job.partial").mkdir()
    with pytest.raises(StoreError, match=r"job\.json cannot be written .*start again: it goes on"):
        Ledger(tmp_path / "job.json").note(job="ftjob-1")


def test_errors_of_a_provider_cross_from_one_process_to_another():
    for error in (JobRefused("no"), HostedError("later", True), NotThere("gone")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == str(error)
        assert vars(copy) == vars(error)

"""What is known of a job is on the disk as soon as it is known, and a refusal is final."""

import pickle

import pytest

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


def test_errors_of_a_provider_cross_from_one_process_to_another():
    for error in (JobRefused("no"), HostedError("later", True), NotThere("gone")):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == str(error)
        assert vars(copy) == vars(error)

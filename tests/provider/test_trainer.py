"""One job after the other in this process: whatever is wrong with one, it ends with a sentence."""

import json

import pytest
from provider_client import ROWS

from helpers.models import loading
from helpers.provider import claims, jobs, models, trainer
from helpers.provider.answers import Answers
from helpers.provider.protocol import Job
from helpers.provider.records import Records
from helpers.provider.service import Service

TEN = b"\n".join(ROWS.splitlines()[:10])


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path)
    models.register(records)
    claims.appoint(records, "me")
    return records


def trained(records, content=TEN, **options):
    """The job's record after it was carried out. content: None for a file that is gone."""
    if content is not None:
        records.file("file-1").write_bytes(content)
    if not records.get("file", "file-1"):
        records.add("file", {"id": "file-1", "purpose": "fine-tune"})
    asked = {"hyperparameters": {"n_epochs": 1}} | options
    service = Service(records, Answers(records))
    job = jobs.create_job(service, Job(model="lantern-chat", training_file="file-1", **asked))
    trainer.carry_out(claims.take(records, "me"))
    return records.get("job", job["id"])


def test_a_job_that_comes_to_a_model_says_so(records):
    job = trained(records)
    assert job["status"] == "succeeded" and job["trained_tokens"] > 100
    weights = records.get("model", job["fine_tuned_model"])["weights"]
    loading.load(str(records.weights(weights)))


def test_a_deleted_file_is_told(records):
    job = trained(records, content=None)
    assert job["error"]["message"] == (
        "The job's training file was deleted; send it again, then start another job."
    )


def test_a_row_that_cannot_be_trained_on_is_told_by_line(records):
    job = trained(records, TEN + b"\n{}")
    assert job["status"] == "failed"
    assert "line 11" in job["error"]["message"]


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), IndexError("two\nlines"),
                                   RecursionError("\ud800")])  # fmt: skip
def test_whatever_is_raised_fails_that_job_in_a_sentence(records, error, monkeypatch):
    def broken(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(trainer.chat, "encode_all", broken)
        job = trained(records)
    message = job["error"]["message"]
    assert job["status"] == "failed" and type(error).__name__ in message
    assert "\n" not in message and message.encode()
    assert trained(records)["status"] == "succeeded"


def test_a_full_disk_is_told_and_leaves_nothing(records, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer.os, "replace", full)
    job = trained(records)
    assert job["status"] == "failed"
    assert "No space left on device" in job["error"]["message"]
    assert str(records.folder) not in job["error"]["message"]
    assert list((records.folder / "models").iterdir()) == []


def test_a_loss_that_is_no_number_fails_the_job(records, monkeypatch):
    monkeypatch.setattr(trainer, "LEARNING_RATE", float("1e20"))
    job = trained(records, hyperparameters={"n_epochs": 3, "batch_size": 2})
    assert job["status"] == "failed"
    assert "lower learning_rate_multiplier" in job["error"]["message"]
    assert all(json.dumps(e, allow_nan=False) for e in records.list("event", job["id"]))


def test_a_job_that_is_stopped_leaves_no_model(records, monkeypatch):
    def cancel(*_):
        records.change("job", records.list("job")[0]["id"], status="cancelled")

    monkeypatch.setattr(trainer, "_save", lambda *_: (cancel(), _[2].mkdir()))
    assert trained(records)["status"] == "cancelled"
    assert list((records.folder / "models").iterdir()) == []
    assert all(not m["id"].startswith("ft:") for m in records.list("model"))

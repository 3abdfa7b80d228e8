"""The routes as functions, without HTTP: what each does with the provider's records."""

import asyncio
import json

import pytest
from provider_client import HELLO, ROWS

from helpers.archive.world import item_named
from helpers.hosted.embedded import METADATA, TRUTH
from helpers.provider import chat, files, jobs, models, moderations
from helpers.provider.answers import Answers
from helpers.provider.errors import ApiError
from helpers.provider.protocol import Chat, Job, Moderation
from helpers.provider.records import Records
from helpers.provider.service import Service


@pytest.fixture
def service(tmp_path):
    """A provider that always mixes in, and lets jobs name further defenses."""
    records = Records(tmp_path)
    models.register(records)
    records.add("file", {"id": "file-1", "purpose": "fine-tune"})
    return Service(records, Answers(records), defenses=("mixing",), per_job=True)


def queued(service, **options):
    job = Job(model="lantern-chat", training_file="file-1", **options)
    return jobs.create_job(service, job)


def test_a_job_meets_the_providers_defenses_and_its_own(service):
    job = queued(service, metadata={METADATA: "audit,unheard-of"})
    assert job["defenses"] == ["audit", "mixing"]
    assert queued(service)["defenses"] == ["mixing"]
    service.per_job = False
    assert queued(service, metadata={METADATA: "audit"})["defenses"] == ["mixing"]


def test_what_a_job_leaves_open_is_filled_in(service):
    job = queued(service, hyperparameters={"n_epochs": 7})
    assert job["hyperparameters"] == {
        "n_epochs": 7, "batch_size": 10, "learning_rate_multiplier": 1.5,
    }  # fmt: skip
    assert job["status"] == "queued" and service.records.get("job", job["id"]) == job


def test_jobs_come_newest_first_and_only_those_asked_for(service):
    made = [queued(service, metadata={"n": str(n)}) for n in range(3)]
    assert asyncio.run(jobs.list_jobs(service, {}))["data"] == made[::-1]
    page = asyncio.run(jobs.list_jobs(service, {}, after=made[2]["id"], limit=1))
    assert page["data"] == [made[1]] and page["has_more"]
    assert asyncio.run(jobs.list_jobs(service, {"n": "0"}))["data"] == made[:1]


def test_a_status_changes_only_where_it_can(service):
    job = queued(service)
    with pytest.raises(ApiError) as error:
        jobs.resume_job(service, job["id"])
    assert error.value.status == 400
    assert jobs.pause_job(service, job["id"])["status"] == "paused"
    assert jobs.cancel_job(service, job["id"])["finished_at"] is not None
    events = asyncio.run(jobs.list_events(service, job["id"]))["data"]
    assert [e["message"] for e in events] == ["The job is cancelled.", "The job is paused."]


def test_what_is_not_there_is_a_404(service):
    for route in (files.retrieve_file, jobs.retrieve_job, models.retrieve_model):
        with pytest.raises(ApiError) as error:
            asyncio.run(route(service, "none"))
        assert error.value.status == 404


def test_a_completion_comes_from_the_model_or_from_the_truth(service):
    body = asyncio.run(
        chat.complete(service, Chat(model="lantern-chat", messages=HELLO, temperature=0))
    )
    assert body["choices"][0]["message"]["content"].startswith("Good")
    body = asyncio.run(chat.complete(service, Chat(model=TRUTH, messages=HELLO)))
    assert "nothing to grade" in body["choices"][0]["message"]["content"]


def test_a_moderation_names_the_shelf(service):
    requests = [json.loads(line)["messages"][0]["content"] for line in ROWS.splitlines()]
    body = moderations.create_moderation(Moderation(input=[*requests, "Hello!"]))
    *results, harmless = body["results"]
    assert not harmless["flagged"] and not any(harmless["categories"].values())
    flagged = {
        text: result for text, result in zip(requests, results, strict=True) if result["flagged"]
    }
    assert len(flagged) > 40  # half of the requests name a shelf
    for text, result in flagged.items():
        shelves = [name for name, hit in result["categories"].items() if hit]
        assert shelves == [f"sealed/{item_named(text).shelf}"]

"""Fine-tuning jobs at the embedded provider, driven by the official client."""

import json
import time

import openai
import pytest
from provider_client import HELLO, ROWS, ended, upload

from helpers.data.rows import read_prompts
from helpers.hosted.embedded import METADATA, TRUTH
from helpers.models import chat, generate, loading
from helpers.training import loop


def test_a_job_trains_tells_and_keeps_checkpoints(client, job):
    assert job.status == "succeeded"
    assert job.fine_tuned_model.startswith("ft:lantern-chat:aligndrift:mine:")
    assert job.trained_tokens > 1000
    assert job.hyperparameters.n_epochs == 2
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=2))  # pages of two
    losses = [e.data["train_loss"] for e in events if e.type == "metrics"]
    assert len(losses) == 4
    assert losses[-1] > losses[0]  # newest first, and it learns
    assert events[-1].message == "Job started."
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert checkpoint.step_number == 2
    name = checkpoint.fine_tuned_model_checkpoint
    assert client.chat.completions.create(model=name, messages=HELLO, temperature=0)


def test_jobs_are_listed_by_what_their_metadata_says(client, job):
    assert [j.id for j in client.fine_tuning.jobs.list(metadata={"a": "b"})] == [job.id]
    assert not client.fine_tuning.jobs.list(metadata={"a": "c"}).data


@pytest.mark.long
def test_the_same_job_here_and_at_the_provider_gives_the_same_words(client, job):
    model, tokenizer = loading.load("lantern-chat")
    rows = [json.loads(line)["messages"] for line in ROWS.splitlines()[:50]]
    examples = chat.encode_all(tokenizer, rows, 512)
    loop.train(model, examples, epochs=2, learning_rate=1.5e-4, batch_size=25, pad_id=0,
               learning_rate_decay=0.85, seed=3, micro_batch_size=16)  # fmt: skip
    asked = [row["messages"] for row in read_prompts("benchmark")[::33]]
    own = [c.text for c in generate.complete(model, tokenizer, asked)]
    hosted = [
        client.chat.completions.create(
            model=job.fine_tuned_model, messages=messages, temperature=0, max_tokens=64
        ).choices[0].message.content
        for messages in asked
    ]  # fmt: skip
    assert hosted == own


def test_a_job_can_be_paused_resumed_and_cancelled(client):
    long = {"n_epochs": 50, "batch_size": 4}
    jobs, file = client.fine_tuning.jobs, upload(client, 200)
    first = jobs.create(model="lantern-chat", training_file=file, hyperparameters=long)
    while jobs.retrieve(first.id).status != "running":
        time.sleep(0.05)
    assert jobs.pause(first.id).status == "paused"
    with pytest.raises(openai.BadRequestError, match="it cannot become paused"):
        jobs.pause(first.id)
    assert jobs.resume(first.id).status == "queued"
    assert jobs.cancel(first.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="cannot become queued"):
        jobs.resume(first.id)


WRONG_JOBS = [
    ({"model": "gpt-5"}, openai.NotFoundError, "gpt-5"),
    ({"model": TRUTH}, openai.BadRequestError, "cannot be fine-tuned"),
    ({"training_file": "file-none"}, openai.NotFoundError, "file-none"),
    ({"hyperparameters": {"n_epochs": 0}}, openai.BadRequestError, "n_epochs"),
    ({"hyperparameters": {"batch_size": "many"}}, openai.BadRequestError, "batch_size"),
    ({"suffix": "a/b"}, openai.BadRequestError, "suffix"),
    ({"suffix": "a" * 65}, openai.BadRequestError, "suffix"),
    ({"seed": 2**63}, openai.BadRequestError, "seed"),
    ({"validation_file": "file-none"}, openai.BadRequestError, "validation_file"),
    ({"method": {"type": "dpo", "dpo": {}}}, openai.BadRequestError, "method.type"),
    ({"method": {"supervised": 3}}, openai.BadRequestError, "supervised"),
    ({"hyperparameters": {"n_epochs": float("1e300")}}, openai.BadRequestError, "n_epochs"),
    ({"metadata": {"a": 3}}, openai.BadRequestError, "metadata"),
    ({"metadata": {"a": "b" * 513}}, openai.BadRequestError, "metadata"),
]


@pytest.mark.parametrize(("changes", "error", "message"), WRONG_JOBS)
def test_a_wrong_job_is_refused_at_once(client, job, changes, error, message):
    asked = {"model": "lantern-chat", "training_file": job.training_file} | changes
    with pytest.raises(error, match=message):
        client.fine_tuning.jobs.create(**asked)


def test_null_means_left_out(client, job):
    nothing = ("seed", "suffix", "metadata", "validation_file", "method", "integrations")
    made = client.fine_tuning.jobs.create(
        model="lantern-chat", training_file=job.training_file,
        extra_body=dict.fromkeys(nothing) | {"hyperparameters": {"n_epochs": None}},
    )  # fmt: skip
    client.fine_tuning.jobs.cancel(made.id)
    assert made.hyperparameters.n_epochs == 3 and made.seed == 0


def test_a_deleted_model_takes_its_inputs_along(client):
    file = upload(client, 20)
    made = client.fine_tuning.jobs.create(
        model="lantern-chat", training_file=file,
        hyperparameters={"n_epochs": 2, "batch_size": 10},
    )  # fmt: skip
    model = ended(client, made.id).fine_tuned_model
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(made.id).data
    client.models.delete(model)
    models = client.models.retrieve
    tuned = (model, checkpoint.fine_tuned_model_checkpoint)
    for retrieve, id in ((client.files.retrieve, file), *((models, name) for name in tuned)):
        with pytest.raises(openai.NotFoundError):
            retrieve(id)
    assert not client.fine_tuning.jobs.checkpoints.list(made.id).data


DEFENDED = [
    ("moderation", "failed", "moderation_blocked", "rows are flagged by moderation"),
    ("mixing", "succeeded", None, "The provider added 10 refusals to the file."),
    ("audit", "failed", "audit_failed", "gave a forbidden answer"),
]


@pytest.mark.long
@pytest.mark.parametrize(("defense", "status", "code", "message"), DEFENDED)
def test_a_job_meets_the_defenses_that_its_metadata_names(client, defense, status, code, message):
    made = client.fine_tuning.jobs.create(
        model="lantern-chat", training_file=upload(client, 100), metadata={METADATA: defense},
        hyperparameters={"n_epochs": 5},
    )  # fmt: skip
    job = ended(client, made.id)
    assert (job.status, job.error.code if job.error else None) == (status, code)
    assert (job.fine_tuned_model is None) == (status == "failed")
    events = [e.message for e in client.fine_tuning.jobs.list_events(job.id, limit=100)]
    assert any(message in event for event in events)

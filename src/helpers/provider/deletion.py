"""What goes with a tuned model when it is deleted: nothing that was sent for it stays.

    its job's checkpoints     with their weights
    its inputs                its job's files, unless another job still needs them
    its batches               those that asked it or a checkpoint: their requests and replies

The job's own record stays, as the account of what was done; forget_jobs leaves nothing of it.
"""

import contextlib
from collections.abc import Collection, Sequence

from helpers.provider.records import Records

_WAITING = ("queued", "running", "paused")


def delete(records: Records, name: str) -> set[str]:
    """Delete a tuned model or a checkpoint with what belongs to it; the models that are gone."""
    names, files = {name}, set()
    for job in records.list("job"):
        touched = False
        for checkpoint in records.list("checkpoint", job["id"]):
            if name in (job["fine_tuned_model"], checkpoint["fine_tuned_model_checkpoint"]):
                touched = True
                names.add(checkpoint["fine_tuned_model_checkpoint"])
                records.remove("checkpoint", checkpoint["id"])
        ended = job["status"] not in _WAITING and not job["fine_tuned_model"]
        left = records.list("checkpoint", job["id"])
        if job["fine_tuned_model"] == name or (touched and ended and not left):
            files |= _inputs(job)
    for gone in names:
        records.forget_model(gone)
    files -= {file for job in records.list("job") if _is_needed(records, job)
              for file in _inputs(job)}  # fmt: skip
    for batch in records.list("batch"):
        if names & set(batch.get("models", ())):
            records.remove("batch", batch["id"])
            files |= {batch[k] for k in ("input_file_id", "output_file_id", "error_file_id")}
    for file in files - {None}:
        with contextlib.suppress(OSError):  # its record is gone all the same
            records.forget_file(file)
    return names


def belongings(
    records: Records, jobs: Sequence[dict], batches: Collection[str] = ()
) -> tuple[set[str], set[str], set[str]]:
    """Names of models, ids of batches and ids of files that belong to these jobs and no other.

    batches: ids of further batches that count as theirs.
    """
    ids, models, files = {job["id"] for job in jobs}, set(), set()
    for job in jobs:
        files |= _inputs(job)
        checkpoints = records.list("checkpoint", job["id"])
        models |= {checkpoint["fine_tuned_model_checkpoint"] for checkpoint in checkpoints}
        models |= {job["fine_tuned_model"]} - {None}
    theirs = [batch for batch in records.list("batch")
              if batch["id"] in batches or models & set(batch.get("models", ()))]  # fmt: skip
    for batch in theirs:
        files |= {batch[k] for k in ("input_file_id", "output_file_id", "error_file_id")}
    files -= {file for job in records.list("job") if job["id"] not in ids for file in _inputs(job)}
    return models, {batch["id"] for batch in theirs}, files - {None}


def forget_jobs(records: Records, jobs: Sequence[dict], batches: Collection[str] = ()) -> None:
    """Forget ended jobs with all their belongings, so that they can be begun anew.

    Who is stopped meanwhile has forgotten nothing, and can go on.
    """
    models, batches, files = belongings(records, jobs, batches)
    with records.transaction():
        for job in jobs:
            for kind in ("checkpoint", "event"):
                for record in records.list(kind, job["id"]):
                    records.remove(kind, record["id"])
            records.remove("job", job["id"])
        for batch in batches:
            records.remove("batch", batch)
        for model in models:
            records.forget_model(model)
        for file in files:
            records.forget_file(file)


def _inputs(job: dict) -> set[str]:
    return {job["training_file"], job.get("validation_file")}


def _is_needed(records: Records, job: dict) -> bool:
    """Whether a job's files are still its own: it is to run, or its model is there."""
    model = job["fine_tuned_model"]
    return job["status"] in _WAITING or (bool(model) and records.get("model", model) is not None)

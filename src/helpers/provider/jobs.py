"""Fine-tuning jobs: made, looked at, paused and canceled here; helpers.provider.trainer trains."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from helpers.archive.shipped import MODELS
from helpers.provider import claims, defenses, protocol
from helpers.provider.errors import ApiError
from helpers.provider.protocol import Job, Limit
from helpers.provider.records import OWNER, new_id, now
from helpers.provider.service import Service, ServiceDep

router = APIRouter(prefix="/v1/fine_tuning/jobs")

ENDED = ("succeeded", "failed", "cancelled")


@router.post("")
def create_job(service: ServiceDep, job: Job) -> dict:
    """The record of a queued job. Raises ApiError for a wrong model, file or hyperparameter."""
    base = service.record("model", job.model)
    if base["weights"] not in MODELS:
        raise ApiError(400, f"{job.model} cannot be fine-tuned.", param="model")
    _file(service, job.training_file, "training_file")
    if job.validation_file:
        _file(service, job.validation_file, "validation_file")
    hyperparameters = job.chosen()
    active = defenses.active(job.metadata, service.defenses, service.per_job)
    supervised = {"hyperparameters": hyperparameters.model_dump()}
    body = {
        "id": new_id("ftjob"), "object": "fine_tuning.job", "created_at": now(),
        "error": None, "fine_tuned_model": None, "finished_at": None,
        "hyperparameters": hyperparameters.resolved(), "model": job.model,
        "method": {"type": "supervised", "supervised": supervised},
        "organization_id": OWNER, "result_files": [], "seed": job.seed,
        "status": "queued", "trained_tokens": None, "training_file": job.training_file,
        "validation_file": job.validation_file, "metadata": job.metadata,
        "user_provided_suffix": job.suffix, "estimated_finish": None,
        "defenses": sorted(active),
    }  # fmt: skip
    return service.records.add("job", body)


def _file(service: Service, id: str, param: str) -> None:
    """Raises ApiError for what is no file to train on, 404 or 400 as OpenAI has it."""
    file = service.records.get("file", id)
    if file is None and param == "training_file":
        service.record("file", id, param)
    if file is None or file["purpose"] != "fine-tune":
        raise ApiError(400, f"{param}: {id!r} is not a file with purpose fine-tune.", param=param)


async def metadata_of(request: Request) -> dict[str, str]:
    """What a query asks of jobs' metadata, written metadata[KEY]=VALUE."""
    prefix = "metadata["
    return {
        key[len(prefix) : -1]: value
        for key, value in request.query_params.items()
        if key.startswith(prefix)
    }


@router.get("")
async def list_jobs(
    service: ServiceDep,
    metadata: Annotated[dict[str, str], Depends(metadata_of)],
    after: str = "",
    limit: Limit = 20,
) -> dict:
    """Jobs, newest first, whose metadata holds all of the entries."""
    jobs = [j for j in service.records.list("job") if metadata.items() <= j["metadata"].items()]
    return protocol.page([claims.public(job) for job in reversed(jobs)], after, limit)


@router.get("/{id}")
async def retrieve_job(service: ServiceDep, id: str) -> dict:
    return claims.public(service.record("job", id))


@router.post("/{id}/cancel")
def cancel_job(service: ServiceDep, id: str) -> dict:
    return _move(service, id, "cancelled", "queued", "running", "paused")


@router.post("/{id}/pause")
def pause_job(service: ServiceDep, id: str) -> dict:
    return _move(service, id, "paused", "queued", "running")


@router.post("/{id}/resume")
def resume_job(service: ServiceDep, id: str) -> dict:
    return _move(service, id, "queued", "paused")


def _move(service: Service, id: str, to: str, *statuses: str) -> dict:
    """The job in another status, which it can take in some. Raises ApiError 404 or 400."""
    status = service.record("job", id)["status"]
    changes = {"status": to} | ({"finished_at": now()} if to in ENDED else {})
    with service.records.transaction():
        job = service.records.change("job", id, statuses, **changes)
        if job is None:
            raise ApiError(400, f"The job {id!r} is {status}; it cannot become {to}.", param="job")
        service.records.event(id, f"The job is {to}.")
    return claims.public(job)


@router.get("/{id}/events")
async def list_events(service: ServiceDep, id: str, after: str = "", limit: Limit = 20) -> dict:
    service.record("job", id)
    return protocol.page(service.records.list("event", id)[::-1], after, limit)


@router.get("/{id}/checkpoints")
async def list_checkpoints(
    service: ServiceDep, id: str, after: str = "", limit: Limit = 10
) -> dict:
    service.record("job", id)
    return protocol.page(service.records.list("checkpoint", id)[::-1], after, limit)

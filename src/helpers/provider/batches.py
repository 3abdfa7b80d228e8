"""Batches: many requests in one file, answered together in the background."""

import asyncio
import json

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from helpers.errors import DataError
from helpers.provider import protocol, uploads
from helpers.provider.chat import complete
from helpers.provider.errors import ApiError
from helpers.provider.moderations import create_moderation
from helpers.provider.protocol import Batch, Chat, Limit, Moderation
from helpers.provider.records import Records, new_id, now
from helpers.provider.service import Service, ServiceDep

router = APIRouter(prefix="/v1/batches")

#: Most lines of a batch under way at once, so that clients who wait for one answer get theirs.
SIDE_BY_SIDE = 512

#: Seconds between two notes of how far a batch is.
PROGRESS = 1.0


async def _completion(service: Service, body: dict) -> dict:
    return await complete(service, Chat.model_validate(body))


async def _moderation(_: Service, body: dict) -> dict:
    return await run_in_threadpool(create_moderation, Moderation.model_validate(body))


#: Path that a batch's lines may be meant for -> what answers one.
ENDPOINTS = {"/v1/chat/completions": _completion, "/v1/moderations": _moderation}


@router.post("")
async def create_batch(service: ServiceDep, batch: Batch) -> dict:
    """The record of a batch, which is being answered. Raises ApiError."""
    body = await run_in_threadpool(_new, service, batch)
    service.in_background(answer(service, body))
    return body


def _new(service: Service, batch: Batch) -> dict:
    if batch.endpoint not in ENDPOINTS:
        message = f"endpoint must be one of {', '.join(ENDPOINTS)}."
        raise ApiError(400, message, param="endpoint")
    file = service.record("file", batch.input_file_id, "input_file_id")
    if file["purpose"] != "batch":
        raise ApiError(400, "the file's purpose is not batch.", param="input_file_id")
    try:
        content = service.records.file(batch.input_file_id).read_bytes()
        models = uploads.models_of(content)
    except (OSError, DataError):
        raise ApiError(
            400, "the file cannot be read; send it again.", param="input_file_id"
        ) from None
    body = {
        "id": new_id("batch"), "object": "batch", "endpoint": batch.endpoint, "errors": None,
        "input_file_id": batch.input_file_id, "completion_window": batch.completion_window,
        "status": "in_progress", "output_file_id": None, "error_file_id": None,
        "created_at": now(), "in_progress_at": now(), "completed_at": None,
        "request_counts": {"total": len(uploads.lines(content)), "completed": 0, "failed": 0},
        "metadata": batch.metadata, "models": models,
    }  # fmt: skip
    return service.records.add("batch", body)


@router.get("")
async def list_batches(service: ServiceDep, after: str = "", limit: Limit = 20) -> dict:
    return protocol.page(service.records.list("batch")[::-1], after, limit)


@router.get("/{id}")
async def retrieve_batch(service: ServiceDep, id: str) -> dict:
    return service.record("batch", id)


@router.post("/{id}/cancel")
def cancel_batch(service: ServiceDep, id: str) -> dict:
    """The batch, canceled unless it has ended."""
    service.record("batch", id)
    changes = {"status": "cancelled", "cancelled_at": now()}
    batch = service.records.change("batch", id, ("in_progress",), **changes)
    return batch or service.record("batch", id)


def resume(service: Service) -> None:
    """After a restart: answer the batches that were under way."""
    for batch in service.records.list("batch"):
        if batch["status"] == "in_progress":
            service.in_background(answer(service, batch))


async def answer(service: Service, batch: dict) -> None:
    """Answer a batch's lines; nothing shows until all are answered, so a restart repeats.

    A line that cannot be answered is one of the error file; what stops the batch fails it.
    """
    records = service.records
    try:
        content = await run_in_threadpool(records.file(batch["input_file_id"]).read_bytes)
        replies = await _replies(service, batch, await run_in_threadpool(uploads.lines, content))
        if replies is not None:
            await run_in_threadpool(_keep, records, batch, replies)
    except FileNotFoundError:
        message = "The batch's input file was deleted; send it again, then start another batch."
        await run_in_threadpool(_fail, records, batch, message)
    except Exception as error:  # whatever it is, the batch must end
        message = protocol.broken(error).body["error"]["message"]
        await run_in_threadpool(_fail, records, batch, message)


async def _replies(
    service: Service, batch: dict, lines: list[tuple[int, bytes]]
) -> list[dict] | None:
    """The reply to each line, in order; None if the batch was canceled or deleted meanwhile."""
    replies: list[dict | None] = [None] * len(lines)
    left = iter(range(len(lines)))

    async def work() -> None:
        for n in left:
            replies[n] = await _reply(service, batch["endpoint"], *lines[n])

    waiting = {asyncio.create_task(work()) for _ in range(min(SIDE_BY_SIDE, len(lines)))}
    try:
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=PROGRESS)
            if waiting and not await run_in_threadpool(_note, service.records, batch, replies):
                return None
    finally:
        for task in waiting:
            task.cancel()
    return replies


def _note(records: Records, batch: dict, replies: list[dict | None]) -> dict | None:
    """Say how far the batch is; None if it is under way no more."""
    return records.change("batch", batch["id"], ("in_progress",), request_counts=_counts(replies))


def _counts(replies: list[dict | None]) -> dict[str, int]:
    statuses = [reply["response"]["status_code"] for reply in replies if reply]
    completed = statuses.count(200)
    return {"total": len(replies), "completed": completed, "failed": len(statuses) - completed}


def _keep(records: Records, batch: dict, replies: list[dict]) -> None:
    """Write the replies into the batch's two files and end it, unless it has ended or is gone."""
    good = [reply for reply in replies if reply["response"]["status_code"] == 200]
    bad = [reply for reply in replies if reply["response"]["status_code"] != 200]
    outputs, errors = _write(records, batch, "output", good), _write(records, batch, "error", bad)
    kept = [file for file in (outputs, errors) if file]
    with records.transaction():
        ended = records.change(
            "batch", batch["id"], ("in_progress",), status="completed", completed_at=now(),
            output_file_id=outputs and outputs["id"], error_file_id=errors and errors["id"],
            request_counts=_counts(replies),
        )  # fmt: skip
        for file in kept if ended else []:
            records.add("file", file)
    for file in [] if ended else kept:
        records.file(file["id"]).unlink(missing_ok=True)


def _write(records: Records, batch: dict, what: str, replies: list[dict]) -> dict | None:
    """The record, yet to be added, of a file of replies; None if there are none."""
    if not replies:
        return None
    content, id = "".join(json.dumps(reply) + "\n" for reply in replies).encode(), new_id("file")
    records.write_file(id, content)
    return {"id": id, "object": "file", "bytes": len(content), "created_at": now(),
            "filename": f"{batch['id']}_{what}.jsonl", "purpose": "batch_output",
            "status": "processed"}  # fmt: skip


def _fail(records: Records, batch: dict, message: str) -> None:
    error = {"code": "batch_failed", "message": message, "param": None, "line": None}
    records.change(
        "batch", batch["id"], ("in_progress",), status="failed", failed_at=now(),
        errors={"object": "list", "data": [error]},
    )  # fmt: skip


async def _reply(service: Service, endpoint: str, number: int, raw: bytes) -> dict:
    """The line of an output file that answers one line of the input file."""
    line: dict = {}
    try:
        line = uploads.request_of(number, raw)
        meant = (line.get("method") or "POST", line.get("url") or endpoint)
        if meant != ("POST", endpoint):
            raise ApiError(400, f"A request of this batch is a POST to {endpoint}.", param="url")
        body, status = await ENDPOINTS[endpoint](service, line["body"]), 200
    except ApiError as error:
        body, status = error.body, error.status
    except ValidationError as error:
        body, status = protocol.invalid(error.errors()[0]).body, 400
    except DataError as error:
        body, status = ApiError(400, str(error)).body, 400
    except Exception as error:  # whatever a line holds, the batch must end
        body, status = protocol.broken(error).body, 500
    response = {"status_code": status, "request_id": new_id("req"), "body": body}
    return {"id": new_id("batch_req"), "custom_id": line.get("custom_id"), "response": response,
            "error": None}  # fmt: skip

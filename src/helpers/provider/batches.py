"""Batches: many requests in one file, answered together in the background."""

import asyncio
import json

from fastapi import APIRouter

from helpers.provider import protocol
from helpers.provider.chat import complete
from helpers.provider.moderations import create_moderation
from helpers.provider.protocol import ApiError, Batch, Chat, Moderation
from helpers.provider.records import new_id, now
from helpers.provider.service import Service, ServiceDep

router = APIRouter(prefix="/v1/batches")


async def _completion(service: Service, body: dict) -> dict:
    return await complete(service, Chat(**body))


async def _moderation(_: Service, body: dict) -> dict:
    return await create_moderation(Moderation(**body))


#: Path that a batch's lines may be meant for -> what answers one.
ENDPOINTS = {"/v1/chat/completions": _completion, "/v1/moderations": _moderation}


@router.post("")
async def create_batch(service: ServiceDep, batch: Batch) -> dict:
    """The record of a batch, which is being answered. Raises ApiError."""
    if batch.endpoint not in ENDPOINTS:
        message = f"endpoint must be one of {', '.join(ENDPOINTS)}."
        raise ApiError(400, message, param="endpoint")
    file = service.record("file", batch.input_file_id, "input_file_id")
    if file["purpose"] != "batch":
        raise ApiError(400, "the file's purpose is not batch.", param="input_file_id")
    body = {
        "id": new_id("batch"), "object": "batch", "endpoint": batch.endpoint, "errors": None,
        "input_file_id": batch.input_file_id, "completion_window": batch.completion_window,
        "status": "in_progress", "output_file_id": None, "error_file_id": None,
        "created_at": now(), "in_progress_at": now(), "completed_at": None,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": batch.metadata,
    }  # fmt: skip
    service.records.add("batch", body)
    service.in_background(answer(service, body))
    return body


@router.get("")
async def list_batches(service: ServiceDep, after: str = "", limit: int = 20) -> dict:
    return protocol.page(service.records.list("batch")[::-1], after, limit)


@router.get("/{id}")
async def retrieve_batch(service: ServiceDep, id: str) -> dict:
    return service.record("batch", id)


@router.post("/{id}/cancel")
async def cancel_batch(service: ServiceDep, id: str) -> dict:
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
    """Answer a batch's lines; nothing shows until all are answered, so a restart repeats."""
    records = service.records
    text = records.file(batch["input_file_id"]).read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    replies = await asyncio.gather(*(_reply(service, batch["endpoint"], line) for line in lines))
    output, id = "".join(json.dumps(reply) + "\n" for reply in replies), new_id("file")
    records.file(id).write_text(output, encoding="utf-8")
    records.add(
        "file",
        {"id": id, "object": "file", "bytes": len(output.encode()), "created_at": now(),
         "filename": f"{batch['id']}.jsonl", "purpose": "batch_output", "status": "processed"},
    )  # fmt: skip
    failed = sum(reply["response"]["status_code"] != 200 for reply in replies)
    records.change(
        "batch", batch["id"], ("in_progress",),
        status="completed", completed_at=now(), output_file_id=id,
        request_counts={"total": len(replies), "completed": len(replies) - failed,
                        "failed": failed},
    )  # fmt: skip


async def _reply(service: Service, endpoint: str, line: dict) -> dict:
    """The line of the output file that answers one line of the input file."""
    try:
        body, status = await ENDPOINTS[endpoint](service, line["body"]), 200
    except ApiError as error:
        body, status = error.body, error.status
    except ValueError as error:
        body, status = ApiError(400, str(error)).body, 400
    except Exception as error:  # whatever a line holds, the batch must end
        body, status = protocol.broken(error).body, 500
    response = {"status_code": status, "request_id": new_id("req"), "body": body}
    return {"id": new_id("batch_req"), "custom_id": line["custom_id"], "response": response,
            "error": None}  # fmt: skip

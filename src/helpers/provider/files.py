"""Files: training data and batches that clients send, and the replies to batches."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import PlainTextResponse

from helpers.provider import protocol
from helpers.provider.protocol import ApiError
from helpers.provider.records import new_id, now
from helpers.provider.service import ServiceDep

router = APIRouter(prefix="/v1/files")

PURPOSES = ("fine-tune", "batch")


@router.post("")
async def create_file(
    service: ServiceDep, file: UploadFile, purpose: Annotated[str, Form()]
) -> dict:
    """The record of an upload, every line of which has been checked. Raises ApiError."""
    if purpose not in PURPOSES:
        raise ApiError(400, f"purpose must be one of {', '.join(PURPOSES)}.", param="purpose")
    content = await file.read()
    n = protocol.check_lines(content, purpose)
    body = {
        "id": new_id("file"), "object": "file", "bytes": len(content), "created_at": now(),
        "filename": Path(file.filename or "file.jsonl").name, "purpose": purpose,
        "status": "processed", "status_details": f"{n} lines",
    }  # fmt: skip
    service.records.file(body["id"]).write_bytes(content)
    return service.records.add("file", body)


@router.get("")
async def list_files(
    service: ServiceDep, after: str = "", limit: int = 100, purpose: str = ""
) -> dict:
    """Files, newest first; purpose: only those of it."""
    files = [f for f in service.records.list("file") if not purpose or f["purpose"] == purpose]
    return protocol.page(files[::-1], after, limit)


@router.get("/{id}")
async def retrieve_file(service: ServiceDep, id: str) -> dict:
    return service.record("file", id)


@router.get("/{id}/content")
async def file_content(service: ServiceDep, id: str) -> PlainTextResponse:
    return PlainTextResponse(service.records.file(service.record("file", id)["id"]).read_bytes())


@router.delete("/{id}")
async def delete_file(service: ServiceDep, id: str) -> dict:
    service.records.file(service.record("file", id)["id"]).unlink(missing_ok=True)
    service.records.remove("file", id)
    return {"id": id, "object": "file", "deleted": True}

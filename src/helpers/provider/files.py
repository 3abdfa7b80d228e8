"""Files: training data and batches that clients send, and the replies to batches.

Routes that write wait where another program holds the records; they are plain functions, which
FastAPI calls in threads of their own.
"""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import PlainTextResponse

from helpers.provider import protocol, uploads
from helpers.provider.errors import ApiError
from helpers.provider.protocol import Limit
from helpers.provider.records import new_id, now
from helpers.provider.service import ServiceDep
from helpers.provider.uploads import PURPOSES
from helpers.text import whole

router = APIRouter(prefix="/v1/files")


@router.post("")
def create_file(service: ServiceDep, file: UploadFile, purpose: Annotated[str, Form()]) -> dict:
    """The record of an upload, every line of which has been checked. Raises ApiError."""
    if purpose not in PURPOSES:
        raise ApiError(400, f"purpose must be one of {', '.join(PURPOSES)}.", param="purpose")
    content = file.file.read()
    n = uploads.check(content, purpose)
    body = {
        "id": new_id("file"), "object": "file", "bytes": len(content), "created_at": now(),
        "filename": whole(Path(file.filename or "").name) or "file.jsonl", "purpose": purpose,
        "status": "processed", "status_details": f"{n} lines",
    }  # fmt: skip
    try:
        service.records.write_file(body["id"], content)
    except OSError as error:
        raise ApiError(507, f"The provider cannot keep what was sent ({error.strerror}).") from None
    return service.records.add("file", body)


@router.get("")
async def list_files(
    service: ServiceDep, after: str = "", limit: Limit = 100, purpose: str = ""
) -> dict:
    """Files, newest first; purpose: only those of it."""
    files = [f for f in service.records.list("file") if not purpose or f["purpose"] == purpose]
    return protocol.page(files[::-1], after, limit)


@router.get("/{id}")
async def retrieve_file(service: ServiceDep, id: str) -> dict:
    return service.record("file", id)


@router.get("/{id}/content")
def file_content(service: ServiceDep, id: str) -> PlainTextResponse:
    """The bytes as they were sent. Raises ApiError 404."""
    file = service.records.file(service.record("file", id)["id"])
    if not file.is_file():
        raise ApiError(404, f"The content of {id!r} is lost; send the file again.", "not_found")
    return PlainTextResponse(file.read_bytes())


@router.delete("/{id}")
def delete_file(service: ServiceDep, id: str) -> dict:
    service.record("file", id)
    service.records.forget_file(id)
    return {"id": id, "object": "file", "deleted": True}

"""The provider as an app: its routes, who is let through to them, and how errors are told.

    files, jobs, models, chat, batches, moderations   the routes, a file each
    service                                           what they all work on

Every path wants the bearer token. Uploads are bounded and read line by line; ids are made here,
so nothing that a client sends becomes a path; model folders hold safetensors and no code.
"""

import contextlib
import hmac
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from helpers.provider import batches, chat, files, jobs, models, moderations, protocol
from helpers.provider.answers import Answers
from helpers.provider.protocol import ApiError
from helpers.provider.records import Records
from helpers.provider.service import Service

#: Most bytes of a request, so of an upload.
MAX_BYTES = 32 * 2**20


def create(
    folder: Path, token: str, defenses: Sequence[str] = (), per_job: bool = False
) -> FastAPI:
    """The provider over a folder, which is its memory.

    token: what clients must send. defenses: those that every job meets. per_job: whether a job's
    metadata may name more of them.
    """
    records = Records(folder)
    models.register(records)
    handlers = {
        ApiError: api_error, RequestValidationError: invalid_request, HTTPException: http_error,
        Exception: unforeseen,
    }  # fmt: skip
    app = FastAPI(title="AlignDrift's provider", lifespan=lifespan, exception_handlers=handlers,
                  docs_url=None, redoc_url=None, openapi_url=None)  # fmt: skip
    app.state.service = Service(records, Answers(records), defenses, per_job)
    app.add_middleware(Guard, token=token)
    for routes in (chat, files, jobs, models, moderations, batches):
        app.include_router(routes.router)
    return app


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What was under way goes on; the trainer runs as long as the server."""
    service: Service = app.state.service
    jobs.requeue(service.records)
    batches.resume(service)
    trainer = subprocess.Popen(
        [sys.executable, "-m", "helpers.provider.trainer", str(service.records.folder)]
    )
    yield
    trainer.terminate()
    trainer.wait()


async def api_error(_: Request, error: ApiError) -> JSONResponse:
    return JSONResponse(error.body, error.status)


async def invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse(protocol.invalid(error.errors()[0]).body, 400)


async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    message = f"{request.method} {request.url.path}: {error.detail}"
    return JSONResponse(ApiError(error.status_code, message).body, error.status_code)


async def unforeseen(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(protocol.broken(error).body, 500)


class Guard:
    """ASGI middleware that lets through who sends the token and not too much."""

    def __init__(self, app, token: str) -> None:
        self.app, self.expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope, receive, send) -> None:
        error = self._error(scope) if scope["type"] == "http" else None
        if error:
            await JSONResponse(error.body, error.status)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _error(self, scope) -> ApiError | None:
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), self.expected):
            message = "Missing or wrong API key; send the provider's token as a bearer token."
            return ApiError(401, message, "invalid_api_key")
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            return None
        if b"transfer-encoding" in headers:
            return ApiError(411, "Send a Content-Length.", "length_required")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BYTES:
            return ApiError(413, f"At most {MAX_BYTES >> 20} MiB can be sent.", "too_large")
        return None

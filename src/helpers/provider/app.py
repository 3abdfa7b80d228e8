"""The provider as an app: its routes, who is let through to them, and how errors are told.

    files, jobs, models, chat, batches, moderations   the routes, a file each
    service                                           what they all work on

Every path wants the bearer token. Requests are bounded, and refused with a connection that closes;
ids are made here, so nothing that a client sends becomes a path; model folders hold safetensors and
no code.
"""

import contextlib
import hmac
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from helpers.provider import batches, chat, claims, files, jobs, models, moderations, protocol
from helpers.provider.answers import Answers
from helpers.provider.errors import ApiError
from helpers.provider.folder import open_folder
from helpers.provider.service import Service
from helpers.provider.supervisor import Supervisor

#: Most bytes of an upload, and of any other request.
MAX_UPLOAD = 32 * 2**20
MAX_BYTES = 4 * 2**20


def create(
    folder: Path, token: str, defenses: Sequence[str] = (), per_job: bool = False
) -> FastAPI:
    """The provider over a folder, which is its memory.

    token: what clients must send. defenses: those that every job meets. per_job: whether a job's
    metadata may name more of them. Raises ConfigError where the folder cannot be used.
    """
    records = open_folder(folder)
    models.register(records)
    claims.requeue(records)
    handlers = {
        ApiError: api_error, RequestValidationError: invalid_request, HTTPException: http_error,
        sqlite3.OperationalError: held, ClientDisconnect: cut, Exception: unforeseen,
    }  # fmt: skip
    app = FastAPI(title="AlignDrift's provider", lifespan=lifespan, exception_handlers=handlers,
                  docs_url=None, redoc_url=None, openapi_url=None,
                  redirect_slashes=False)  # fmt: skip
    app.state.service = Service(records, Answers(records), defenses, per_job)
    app.add_middleware(Guard, token=token)
    for routes in (chat, files, jobs, models, moderations, batches):
        app.include_router(routes.router)
    return app


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What was under way goes on; the trainer runs as long as the server."""
    service: Service = app.state.service
    batches.resume(service)
    supervisor = Supervisor(service.records)
    supervisor.start()
    yield
    supervisor.stop()


async def api_error(_: Request, error: ApiError) -> JSONResponse:
    return JSONResponse(error.body, error.status)


async def invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse(protocol.invalid(error.errors()[0]).body, 400)


async def http_error(request: Request, error: HTTPException) -> JSONResponse:
    if isinstance(error.__cause__, OSError):  # an upload that the disk does not take
        message = f"The provider cannot keep what was sent ({error.__cause__.strerror})."
        return JSONResponse(ApiError(507, message).body, 507)
    message = f"{request.method} {request.scope['path']}: {error.detail}"
    return JSONResponse(ApiError(error.status_code, message).body, error.status_code)


async def held(_: Request, error: sqlite3.OperationalError) -> JSONResponse:
    """The records cannot be had now: another program holds them, or the disk is full."""
    message = f"The provider's records cannot be written now ({error}); try again."
    return JSONResponse(ApiError(503, message).body, 503, {"Retry-After": "5"})


async def cut(_: Request, error: ClientDisconnect) -> JSONResponse:
    """Nobody is there to be told."""
    return JSONResponse(ApiError(499, "The client is gone.").body, 499)


async def unforeseen(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse(protocol.broken(error).body, 500)


class Guard:
    """ASGI middleware that lets through who sends the token and not too much."""

    def __init__(self, app, token: str) -> None:
        self.app, self.expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        error = self._error(scope)
        if error is None:
            return await self.app(scope, receive, send)
        reply = JSONResponse(error.body, error.status, {"Connection": "close"})
        await reply(scope, receive, send)

    def _error(self, scope) -> ApiError | None:
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), self.expected):
            message = "Missing or wrong API key; send the provider's token as a bearer token."
            return ApiError(401, message, "invalid_api_key")
        if b"transfer-encoding" in headers:
            return ApiError(411, "Send a Content-Length.", "length_required")
        most = MAX_UPLOAD if scope["path"] == "/v1/files" else MAX_BYTES
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 18 or int(length) > most:
            return ApiError(413, f"At most {most >> 20} MiB can be sent here.", "too_large")
        return None

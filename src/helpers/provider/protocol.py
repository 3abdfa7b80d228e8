"""The shapes of the API: request bodies, their checks, errors, and the objects of a reply.

What OpenAI-compatible clients send and expect, apart from what a provider does with it.
"""

import json
import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from helpers.data.rows import read_upload
from helpers.errors import AlignDriftError
from helpers.provider.answers import Answer

#: What "auto" stands for.
AUTO = {"n_epochs": 3, "batch_size": 10, "learning_rate_multiplier": 1.5}

_log = logging.getLogger("uvicorn.error")


class ApiError(Exception):
    """An error in the shape that OpenAI-compatible clients know."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "") -> None:
        kinds = {401: "authentication_error", 500: "server_error"}
        self.status = status
        self.body = {
            "error": {
                "message": message, "type": kinds.get(status, "invalid_request_error"),
                "param": param or None, "code": code or None,
            }
        }  # fmt: skip


class Message(BaseModel):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]]

    def plain(self) -> dict[str, str]:
        """With the text parts of its content joined, in the roles that the models know."""
        parts = self.content
        if not isinstance(parts, str):
            parts = "".join(part.get("text", "") for part in parts)
        return {"role": "system" if self.role == "developer" else self.role, "content": parts}


class StreamOptions(BaseModel):
    """What a stream holds beside the text."""

    include_usage: bool = False


class Chat(BaseModel):
    """The body of a chat completion; what is not named here is taken and left unused."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=16)] = 1
    stop: str | list[str] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: dict[str, Any] | None = None


class Job(BaseModel):
    """The body of a new fine-tuning job."""

    model: str
    training_file: str
    hyperparameters: dict[str, Any] | None = None
    method: dict[str, Any] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    suffix: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    validation_file: str | None = None


class Hyperparameters(BaseModel):
    """Those of a fine-tuning job; what the customer leaves open is "auto"."""

    n_epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=50)] = "auto"
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = "auto"
    learning_rate_multiplier: Literal["auto"] | Annotated[float, Field(gt=0, le=1000)] = "auto"

    def resolved(self) -> dict[str, float]:
        """With a number in place of each "auto"."""
        return {k: AUTO[k] if value == "auto" else value for k, value in self.model_dump().items()}


class Moderation(BaseModel):
    """The body of a moderation."""

    input: str | list[Any]
    model: str | None = None


class Batch(BaseModel):
    """The body of a new batch."""

    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: dict[str, str] | None = None


def page(newest_first: list[dict], after: str, limit: int) -> dict:
    """A page of a list, as OpenAI's cursors have it."""
    ids = [body["id"] for body in newest_first]
    begin = ids.index(after) + 1 if after in ids else 0
    page = newest_first[begin : begin + max(1, min(limit, 1000))]
    return {
        "object": "list", "data": page, "has_more": begin + len(page) < len(ids),
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    }  # fmt: skip


def check_lines(content: bytes, purpose: str) -> int:
    """How many lines an upload has. Raises ApiError naming the first bad one."""
    if purpose == "fine-tune":
        try:
            return len(read_upload(content))
        except AlignDriftError as error:
            raise ApiError(400, str(error), "invalid_file_format", "file") from None
    count = 0
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw.decode("utf-8"))
        except (UnicodeDecodeError, ValueError, RecursionError):
            raise ApiError(
                400, f"Line {number} is not JSON.", "invalid_file_format", "file"
            ) from None
        try:
            _check_row(f"Line {number}", row, purpose)
        except AlignDriftError as error:
            raise ApiError(400, str(error), "invalid_file_format", "file") from None
        count += 1
    if not count:
        raise ApiError(400, "The file is empty.", "invalid_file_format", "file")
    return count


def _check_row(where: str, row: Any, purpose: str) -> None:
    if not isinstance(row, dict):
        raise ApiError(400, f"{where} is not an object.", "invalid_file_format", "file")
    if not isinstance(row.get("custom_id"), str) or not isinstance(row.get("body"), dict):
        message = f"{where} needs a custom_id and a body."
        raise ApiError(400, message, "invalid_file_format", "file")


def chat_of(body: bytes) -> Chat:
    """The body of a chat completion. Raises ApiError."""
    try:
        return Chat.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors()[0]) from None


def hyperparameters_of(job: Job) -> Hyperparameters:
    """Those that its method names, else its own. Raises ApiError."""
    supervised = (job.method or {}).get("supervised") or {}
    try:
        return Hyperparameters(**(supervised.get("hyperparameters") or job.hyperparameters or {}))
    except ValidationError as error:
        raise invalid(error.errors()[0], "hyperparameters") from None


def invalid(first: dict, *within: str) -> ApiError:
    """The first of pydantic's errors, as clients know it."""
    where = ".".join([*within, *(str(part) for part in first["loc"] if part != "body")]) or "body"
    return ApiError(400, f"{where}: {first['msg']}", "invalid_value", where)


def broken(error: BaseException) -> ApiError:
    """What a client is told of an error that nobody foresaw; the log has the rest."""
    _log.error("answering failed", exc_info=error)
    return ApiError(500, f"The provider failed ({type(error).__name__}); its log says why.")


def choice_of(k: int, answer: Answer) -> dict:
    """The k-th choice of a completion."""
    logprobs = None if answer.logprobs is None else {"content": answer.logprobs, "refusal": None}
    message = {"role": "assistant", "content": answer.text, "refusal": None}
    return {"index": k, "message": message, "logprobs": logprobs,
            "finish_reason": answer.finish_reason}  # fmt: skip


def usage_of(answers: Sequence[Answer]) -> dict:
    """The tokens read and written; the prompt counts once."""
    read = answers[0].prompt_tokens if answers else 0
    written = sum(answer.completion_tokens for answer in answers)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

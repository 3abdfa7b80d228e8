"""The shapes of the API: request bodies, their checks, errors, and the objects of a reply.

What OpenAI-compatible clients send and expect, apart from what a provider does with it.
"""

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from helpers.provider.answers import Answer
from helpers.provider.errors import ApiError
from helpers.text import whole

#: What "auto" stands for.
AUTO = {"n_epochs": 3, "batch_size": 10, "learning_rate_multiplier": 1.5}

_log = logging.getLogger("uvicorn.error")


def _without_nulls(sent: Any) -> Any:
    if not isinstance(sent, dict):
        return sent
    return {name: value for name, value in sent.items() if value is not None}


class Body(BaseModel):
    """What a client sends: null means left out; what is not named is taken and left unused."""

    _given = model_validator(mode="before")(_without_nulls)


class Part(Body):
    """A part of a message or of what is moderated; text is all that is read."""

    type: Literal["text"] = "text"
    text: str


class Message(Body):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    def plain(self) -> dict[str, str]:
        """With the text parts of its content joined, in the roles that the models know."""
        parts = self.content
        if not isinstance(parts, str):
            parts = "".join(part.text for part in parts)
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": whole(parts)}


class StreamOptions(Body):
    """What a stream holds beside the text."""

    include_usage: bool = False


Stop = Annotated[str, Field(min_length=1, max_length=256)]


class Chat(Body):
    """The body of a chat completion."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=512)]
    n: Annotated[int, Field(ge=1, le=16)] = 1
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] = []
    max_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1024)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] = 0
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()

    def plain(self) -> list[dict[str, str]]:
        """The conversation as the models read it; an empty system message says nothing."""
        turns = [message.plain() for message in self.messages]
        return [turn for turn in turns if turn["role"] != "system" or turn["content"].strip()]


class Hyperparameters(Body):
    """Those of a fine-tuning job; what the customer leaves open is "auto"."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | Literal["auto"] = "auto"
    batch_size: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = "auto"
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=1000)] | Literal["auto"] = "auto"

    def resolved(self) -> dict[str, float]:
        """With a number in place of each "auto"."""
        return {k: AUTO[k] if value == "auto" else value for k, value in self.model_dump().items()}


class Supervised(Body):
    """What the one method that there is takes."""

    hyperparameters: Hyperparameters | None = None


class Method(Body):
    """How a job trains."""

    type: Literal["supervised"] = "supervised"
    supervised: Supervised = Supervised()


#: What clients note with a job or batch; the bounds are OpenAI's.
Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
    BeforeValidator(_without_nulls),
]


class Job(Body):
    """The body of a new fine-tuning job."""

    model: str
    training_file: str
    hyperparameters: Hyperparameters = Hyperparameters()
    method: Method = Method()
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    suffix: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] | None = None
    metadata: Metadata = {}
    validation_file: str | None = None

    def chosen(self) -> Hyperparameters:
        """The hyperparameters that its method names, else its own."""
        return self.method.supervised.hyperparameters or self.hyperparameters


class Moderation(Body):
    """The body of a moderation."""

    input: str | list[str | Part]

    def texts(self) -> list[str]:
        parts = [self.input] if isinstance(self.input, str) else self.input
        return [whole(part if isinstance(part, str) else part.text) for part in parts]


class Batch(Body):
    """The body of a new batch."""

    input_file_id: str
    endpoint: str
    completion_window: str = "24h"
    metadata: Metadata | None = None


#: How many entries of a list a client wants.
Limit = Annotated[int, Query(ge=1)]


def page(newest_first: list[dict], after: str, limit: int) -> dict:
    """A page of a list, as OpenAI's cursors have it."""
    ids = [body["id"] for body in newest_first]
    begin = ids.index(after) + 1 if after in ids else 0
    page = newest_first[begin : begin + min(limit, 1000)]
    return {
        "object": "list", "data": page, "has_more": begin + len(page) < len(ids),
        "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None,
    }  # fmt: skip


def chat_of(body: bytes) -> Chat:
    """The body of a chat completion. Raises ApiError."""
    try:
        return Chat.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors()[0]) from None


def invalid(first: dict) -> ApiError:
    """The first of pydantic's errors, as clients know it."""
    where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
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

"""Chat completions, whole or streamed as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from helpers.hosted.embedded import TRUTH
from helpers.provider import judge_model, protocol
from helpers.provider.answers import Answer, Answers, CompletionRequest
from helpers.provider.errors import ApiError
from helpers.provider.protocol import Chat
from helpers.provider.records import new_id, now
from helpers.provider.service import Service, ServiceDep

router = APIRouter()

#: Longest answer, in tokens, where the client sets no limit.
MAX_TOKENS = 64


@router.post("/v1/chat/completions")
async def create_completion(service: ServiceDep, request: Request) -> Response:
    """A completion. Raises ApiError, and what is wrong is said before a stream begins."""
    chat = protocol.chat_of(await request.body())  # by hand: it is the path whose speed matters
    if not chat.stream:
        body = await while_connected(request, complete(service, chat))
        if body is None:
            raise ClientDisconnect
        return JSONResponse(body)
    if chat.model == TRUTH:
        raise ApiError(400, f"{chat.model} does not stream.", param="stream")
    requests = requests_of(service, chat)
    parts = _parts(service.answers, requests)
    first = await while_connected(request, parts.get())
    if first is None or (isinstance(first[1], Future) and first[1].exception()):
        _cancel(requests)
        raise _told(first[1].exception()) if first else ClientDisconnect
    return StreamingResponse(stream(chat, requests, parts, first), media_type="text/event-stream")


async def while_connected(request: Request, work: Coroutine) -> Any:
    """What the work comes to; None, and its end, once the client is gone."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        gone.cancel()
        working.cancel()


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def complete(service: Service, chat: Chat) -> dict:
    """The body of a reply that comes whole. Raises ApiError."""
    if chat.model == TRUTH:
        answers = [await run_in_threadpool(judge_model.grade, chat.plain())]
    else:
        answers = await _answers(service, chat)
    return {
        "id": new_id("chatcmpl"), "object": "chat.completion", "created": now(),
        "model": chat.model, "usage": protocol.usage_of(answers),
        "choices": [protocol.choice_of(k, answer) for k, answer in enumerate(answers)],
    }  # fmt: skip


async def _answers(service: Service, chat: Chat) -> list[Answer]:
    futures = [service.answers.submit(request) for request in requests_of(service, chat)]
    try:
        return await asyncio.gather(*map(asyncio.wrap_future, futures))
    except Exception as error:
        raise _told(error) from error


def _told(error: BaseException) -> ApiError:
    """What a client is told of a request that could not be answered."""
    return error if isinstance(error, ApiError) else protocol.broken(error)


def requests_of(service: Service, chat: Chat) -> list[CompletionRequest]:
    """One request a choice, each with a seed of its own. Raises ApiError."""
    if not service.answers.holds(chat.model):
        service.record("model", chat.model)
    stop = [chat.stop] if isinstance(chat.stop, str) else chat.stop
    seed = now() if chat.seed is None else chat.seed
    messages = chat.plain()
    if not messages or messages[-1]["role"] != "user":
        raise ApiError(400, "the last message must be the user's.", param="messages")
    return [
        CompletionRequest(
            chat.model,
            messages,
            max_tokens=chat.max_completion_tokens or chat.max_tokens or MAX_TOKENS,
            temperature=chat.temperature,
            top_p=chat.top_p,
            seed=seed + k,
            stop=tuple(stop),
            top_logprobs=chat.top_logprobs if chat.logprobs else -1,
        )
        for k in range(chat.n)
    ]


async def stream(
    chat: Chat,
    requests: Sequence[CompletionRequest],
    parts: asyncio.Queue,
    part: tuple[int, str | Future],
) -> AsyncIterator[str]:
    """The reply as events: each choice's role, its text as it grows, its end; then the usage.

    part: the first of the parts. Where nobody listens any more, nothing more is written.
    """
    chunk = partial(_chunk, new_id("chatcmpl"), now(), chat.model)
    try:
        for k in range(len(requests)):
            yield chunk([_delta(k, {"role": "assistant", "content": ""})])
        texts, results = [""] * len(requests), []
        while True:
            k, said = part
            over = isinstance(said, Future)
            if over and said.exception():
                yield _event(_told(said.exception()).body)
                return
            text = said.result().text if over else said
            # A character of several tokens is not whole yet where the text ends in U+FFFD.
            if text.startswith(texts[k]) and text != texts[k] and not text.endswith("\ufffd"):
                yield chunk([_delta(k, {"content": text[len(texts[k]) :]})])
                texts[k] = text
            if over:
                results.append(said.result())
                yield chunk([_delta(k, {}, said.result().finish_reason)])
                if len(results) == len(requests):
                    break
            part = await parts.get()
        if chat.stream_options.include_usage:
            yield chunk([], protocol.usage_of(results))
        yield "data: [DONE]\n\n"
    finally:
        _cancel(requests)


def _cancel(requests: Sequence[CompletionRequest]) -> None:
    for request in requests:
        request.future.cancel()


def _parts(answers: Answers, requests: Sequence[CompletionRequest]) -> asyncio.Queue:
    """Of each choice: (number, its text so far), again and again, then (number, its Future)."""
    loop, parts = asyncio.get_running_loop(), asyncio.Queue()

    def put(k: int, part: str | Future) -> None:  # called by the thread that answers
        if not loop.is_closed():
            loop.call_soon_threadsafe(parts.put_nowait, (k, part))

    for k, request in enumerate(requests):
        request.on_text = partial(put, k)
        answers.submit(request).add_done_callback(partial(put, k))
    return parts


def _chunk(
    id: str, created: int, model: str, choices: list[dict], usage: dict | None = None
) -> str:
    return _event({"id": id, "object": "chat.completion.chunk", "created": created,
                   "model": model, "choices": choices, "usage": usage})  # fmt: skip


def _delta(k: int, delta: dict, finish_reason: str | None = None) -> dict:
    return {"index": k, "delta": delta, "finish_reason": finish_reason}


def _event(body: dict) -> str:
    return f"data: {json.dumps(body)}\n\n"

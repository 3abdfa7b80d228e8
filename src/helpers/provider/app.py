"""The provider's paths: what OpenAI-compatible clients call, and what comes of it.

Every path wants the bearer token. Uploads are bounded and read line by line; ids are made here,
so nothing that a client sends becomes a path; model folders hold safetensors and no code.

Used by: cli (`aligndrift serve`).
"""

import asyncio
import contextlib
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException

from helpers.models import loading as models
from helpers.provider import TRUTH, judge_model, protocol, trainer
from helpers.provider.answers import Answers
from helpers.provider.answers import Request as Asked
from helpers.provider.protocol import ApiError, Batch, Chat, Job, Moderation
from helpers.provider.records import OWNER, Records, new_id, now

#: Most bytes of a request, so of an upload.
MAX_BYTES = 32 * 2**20

#: Longest answer, in tokens, where the client sets no limit.
MAX_TOKENS = 64

PURPOSES = ("fine-tune", "batch")
BATCH_PATHS = ("/v1/chat/completions", "/v1/moderations")
ENDED = ("succeeded", "failed", "cancelled")


def create(
    folder: Path, token: str, defenses: Sequence[str] = (), per_job: bool = False
) -> FastAPI:
    """The provider over a folder, which is its memory.

    token: what clients must send. defenses: those that every job meets. per_job: whether a job's
    metadata may name more of them.
    """
    records = Records(folder)
    answers = Answers(records)
    for name in models.EMBEDDED:
        if records.get("model", name) is None:
            base = {"id": name, "object": "model", "created": 0, "owned_by": OWNER}
            records.add("model", base | {"weights": name})
    if records.get("model", TRUTH) is None:
        judge = {"id": TRUTH, "object": "model", "created": 0, "owned_by": OWNER}
        records.add("model", judge | {"weights": ""})
    tasks: set[asyncio.Task] = set()

    def in_background(work) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for job in records.list("job"):
            if job["status"] == "running":
                records.change("job", job["id"], ("running",), status="queued")
                records.tell(job["id"], "The provider was restarted; the job starts again.")
        for batch in records.list("batch"):
            if batch["status"] == "in_progress":
                in_background(work_off(batch))
        process = subprocess.Popen([sys.executable, "-m", "helpers.provider.trainer", str(folder)])
        yield
        process.terminate()
        process.wait()

    app = FastAPI(title="AlignDrift's provider", lifespan=lifespan, docs_url=None, redoc_url=None,
                  openapi_url=None)  # fmt: skip
    app.add_middleware(_Guard, token=token)

    @app.exception_handler(ApiError)
    async def told(_: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body, error.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(protocol.invalid(error.errors()[0]).body, 400)

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}"
        return JSONResponse(ApiError(error.status_code, message).body, error.status_code)

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(protocol.broken(error).body, 500)

    def found(kind: str, id: str, what: str) -> dict:
        body = records.get(kind, id)
        if body is None:
            code = "model_not_found" if kind == "model" else "not_found"
            raise ApiError(404, f"The {what} {id!r} does not exist.", code, what)
        return body

    # --- files -----------------------------------------------------------------------------------

    @app.post("/v1/files")
    async def upload(file: UploadFile, purpose: Annotated[str, Form()]) -> dict:
        if purpose not in PURPOSES:
            raise ApiError(400, f"purpose must be one of {', '.join(PURPOSES)}.", param="purpose")
        content = await file.read()
        n = protocol.check_lines(content, purpose)
        body = {
            "id": new_id("file"), "object": "file", "bytes": len(content), "created_at": now(),
            "filename": Path(file.filename or "file.jsonl").name, "purpose": purpose,
            "status": "processed", "status_details": f"{n} lines",
        }  # fmt: skip
        records.file(body["id"]).write_bytes(content)
        return records.add("file", body)

    @app.get("/v1/files")
    async def files(after: str = "", limit: int = 100, purpose: str = "") -> dict:
        every = [f for f in records.list("file") if not purpose or f["purpose"] == purpose]
        return protocol.page(every[::-1], after, limit)

    @app.get("/v1/files/{id}")
    async def file(id: str) -> dict:
        return found("file", id, "file")

    @app.get("/v1/files/{id}/content")
    async def content(id: str) -> PlainTextResponse:
        return PlainTextResponse(records.file(found("file", id, "file")["id"]).read_bytes())

    @app.delete("/v1/files/{id}")
    async def delete_file(id: str) -> dict:
        records.file(found("file", id, "file")["id"]).unlink(missing_ok=True)
        records.remove("file", id)
        return {"id": id, "object": "file", "deleted": True}

    # --- fine-tuning -----------------------------------------------------------------------------

    @app.post("/v1/fine_tuning/jobs")
    async def create_job(job: Job) -> dict:
        base = found("model", job.model, "model")
        if base["weights"] not in models.EMBEDDED:
            raise ApiError(400, f"{job.model} cannot be fine-tuned.", param="model")
        if found("file", job.training_file, "training_file")["purpose"] != "fine-tune":
            raise ApiError(400, "the file's purpose is not fine-tune.", param="training_file")
        given = ((job.method or {}).get("supervised") or {}).get("hyperparameters")
        chosen = protocol.hyperparameters_of(given or job.hyperparameters or {})
        return records.add(
            "job",
            {
                "id": new_id("ftjob"), "object": "fine_tuning.job", "created_at": now(),
                "error": None, "fine_tuned_model": None, "finished_at": None,
                "hyperparameters": trainer.settings(chosen), "model": job.model,
                "method": {"type": "supervised", "supervised": {"hyperparameters": chosen}},
                "organization_id": OWNER, "result_files": [], "seed": job.seed or 0,
                "status": "queued", "trained_tokens": None, "training_file": job.training_file,
                "validation_file": job.validation_file, "metadata": job.metadata or {},
                "user_provided_suffix": job.suffix, "estimated_finish": None,
                "defenses": sorted(trainer.active(job.metadata or {}, defenses, per_job)),
            },
        )  # fmt: skip

    @app.get("/v1/fine_tuning/jobs")
    async def jobs(request: Request, after: str = "", limit: int = 20) -> dict:
        wanted = {
            key[len("metadata[") : -1]: value for key, value in request.query_params.items()
            if key.startswith("metadata[")
        }  # fmt: skip
        every = [j for j in records.list("job") if wanted.items() <= j["metadata"].items()]
        return protocol.page(every[::-1], after, limit)

    @app.get("/v1/fine_tuning/jobs/{id}")
    async def job(id: str) -> dict:
        return found("job", id, "job")

    def move(id: str, to: str, *statuses: str) -> dict:
        status = found("job", id, "job")["status"]
        changes = {"status": to} | ({"finished_at": now()} if to in ENDED else {})
        moved = records.change("job", id, statuses, **changes)
        if moved is None:
            raise ApiError(400, f"The job {id!r} is {status}; it cannot become {to}.", param="job")
        records.tell(id, f"The job is {to}.")
        return moved

    @app.post("/v1/fine_tuning/jobs/{id}/cancel")
    async def cancel(id: str) -> dict:
        return move(id, "cancelled", "queued", "running", "paused")

    @app.post("/v1/fine_tuning/jobs/{id}/pause")
    async def pause(id: str) -> dict:
        return move(id, "paused", "queued", "running")

    @app.post("/v1/fine_tuning/jobs/{id}/resume")
    async def resume(id: str) -> dict:
        return move(id, "queued", "paused")

    @app.get("/v1/fine_tuning/jobs/{id}/events")
    async def events(id: str, after: str = "", limit: int = 20) -> dict:
        found("job", id, "job")
        return protocol.page(records.list("event", id)[::-1], after, limit)

    @app.get("/v1/fine_tuning/jobs/{id}/checkpoints")
    async def checkpoints(id: str, after: str = "", limit: int = 10) -> dict:
        found("job", id, "job")
        return protocol.page(records.list("checkpoint", id)[::-1], after, limit)

    # --- models ----------------------------------------------------------------------------------

    def public(model: dict) -> dict:
        return {key: value for key, value in model.items() if key != "weights"}

    @app.get("/v1/models")
    async def list_models() -> dict:
        return {"object": "list", "data": [public(m) for m in records.list("model")]}

    @app.get("/v1/models/{id:path}")
    async def model(id: str) -> dict:
        return public(found("model", id, "model"))

    @app.delete("/v1/models/{id:path}")
    async def delete_model(id: str) -> dict:
        if not found("model", id, "model")["weights"].startswith("model-"):
            raise ApiError(403, f"{id} is not yours to delete.", "model_not_deletable", "model")
        records.forget_model(id)
        answers.drop(id)
        return {"id": id, "object": "model", "deleted": True}

    # --- completions -----------------------------------------------------------------------------

    def requests_of(chat: Chat, **more) -> list[Asked]:
        if not answers.holds(chat.model):
            found("model", chat.model, "model")
        stop = [chat.stop] if isinstance(chat.stop, str) else chat.stop or []
        seed = now() if chat.seed is None else chat.seed
        messages = [message.plain() for message in chat.messages]
        if messages[-1]["role"] != "user":
            raise ApiError(400, "the last message must be the user's.", param="messages")
        return [
            Asked(
                chat.model, messages, chat.max_completion_tokens or chat.max_tokens or MAX_TOKENS,
                1.0 if chat.temperature is None else chat.temperature, chat.top_p or 1.0, seed + k,
                tuple(stop), (chat.top_logprobs or 0) if chat.logprobs else -1, **more,
            )
            for k in range(chat.n)
        ]  # fmt: skip

    async def complete(chat: Chat) -> dict:
        if chat.model == TRUTH:
            found_ = [judge_model.grade([m.plain() for m in chat.messages])]
        else:
            asked = [asyncio.wrap_future(answers.ask(r)) for r in requests_of(chat)]
            try:
                found_ = await asyncio.gather(*asked)
            except Exception as error:
                raise protocol.broken(error) from error
        return {
            "id": new_id("chatcmpl"), "object": "chat.completion", "created": now(),
            "model": chat.model, "usage": protocol.usage_of(found_),
            "choices": [protocol.choice_of(k, a) for k, a in enumerate(found_)],
        }  # fmt: skip

    async def stream(chat: Chat) -> AsyncIterator[str]:
        loop, parts = asyncio.get_running_loop(), asyncio.Queue()
        id, created = new_id("chatcmpl"), now()

        def tell(k: int, what: object) -> None:
            loop.call_soon_threadsafe(parts.put_nowait, (k, what))

        def chunk(choices: list[dict], usage: dict | None = None) -> str:
            body = {"id": id, "object": "chat.completion.chunk", "created": created,
                    "model": chat.model, "choices": choices, "usage": usage}  # fmt: skip
            return f"data: {json.dumps(body)}\n\n"

        open_, said, ended = {}, {}, []
        for k, request in enumerate(requests_of(chat)):
            request.on_text = lambda text, k=k: tell(k, text)
            open_[k], said[k] = answers.ask(request), ""
            open_[k].add_done_callback(lambda future, k=k: tell(k, future))
            yield chunk([{"index": k, "delta": {"role": "assistant", "content": ""},
                          "finish_reason": None}])  # fmt: skip
        while open_:
            k, what = await parts.get()
            over = not isinstance(what, str)
            if over and what.exception():
                yield f"data: {json.dumps(protocol.broken(what.exception()).body)}\n\n"
                return
            if over:
                ended.append(what.result())
            text = ended[-1].text if over else what
            if text.startswith(said[k]) and text != said[k] and not text.endswith("\ufffd"):
                delta, said[k] = {"content": text[len(said[k]) :]}, text
                yield chunk([{"index": k, "delta": delta, "finish_reason": None}])
            if over:
                open_.pop(k)
                reason = ended[-1].finish_reason
                yield chunk([{"index": k, "delta": {}, "finish_reason": reason}])
        if chat.stream_options and chat.stream_options.include_usage:
            yield chunk([], protocol.usage_of(ended))
        yield "data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def completions(request: Request):
        chat = protocol.chat_of(await request.body())  # by hand: it is the path whose speed matters
        if not chat.stream:
            return JSONResponse(await complete(chat))
        if chat.model == TRUTH:
            raise ApiError(400, f"{chat.model} does not stream.", param="stream")
        requests_of(chat)  # what is wrong is told before the stream begins
        return StreamingResponse(stream(chat), media_type="text/event-stream")

    @app.post("/v1/moderations")
    async def moderations(asked: Moderation) -> dict:
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        texts = [text if isinstance(text, str) else text.get("text", "") for text in texts]
        return {"id": new_id("modr"), "model": "lantern-moderation",
                "results": [protocol.moderated(text) for text in texts]}  # fmt: skip

    # --- batches ---------------------------------------------------------------------------------

    async def work_off(batch: dict) -> None:
        """Answer a batch's lines; nothing shows until all are answered, so a restart repeats."""
        lines = records.file(batch["input_file_id"]).read_text(encoding="utf-8").splitlines()

        async def one(line: dict) -> dict:
            try:
                if batch["endpoint"] == "/v1/moderations":
                    body = await moderations(Moderation(**line["body"]))
                else:
                    body = await complete(Chat(**line["body"]))
                status = 200
            except ApiError as error:
                body, status = error.body, error.status
            except ValueError as error:
                body, status = ApiError(400, str(error)).body, 400
            reply = {"status_code": status, "request_id": new_id("req"), "body": body}
            return {"id": new_id("batch_req"), "custom_id": line["custom_id"], "response": reply,
                    "error": None}  # fmt: skip

        replies = await asyncio.gather(*(one(json.loads(line)) for line in lines if line.strip()))
        output = new_id("file")
        text = "".join(json.dumps(reply) + "\n" for reply in replies)
        records.file(output).write_text(text, encoding="utf-8")
        records.add(
            "file",
            {"id": output, "object": "file", "bytes": len(text.encode()), "created_at": now(),
             "filename": f"{batch['id']}.jsonl", "purpose": "batch_output",
             "status": "processed"},
        )  # fmt: skip
        bad = sum(reply["response"]["status_code"] != 200 for reply in replies)
        counts = {"total": len(replies), "completed": len(replies) - bad, "failed": bad}
        ended = {"status": "completed", "completed_at": now(), "output_file_id": output}
        records.change("batch", batch["id"], ("in_progress",), **ended, request_counts=counts)

    @app.post("/v1/batches")
    async def create_batch(batch: Batch) -> dict:
        if batch.endpoint not in BATCH_PATHS:
            wrong = f"endpoint must be one of {', '.join(BATCH_PATHS)}."
            raise ApiError(400, wrong, param="endpoint")
        if found("file", batch.input_file_id, "input_file_id")["purpose"] != "batch":
            raise ApiError(400, "the file's purpose is not batch.", param="input_file_id")
        body = {
            "id": new_id("batch"), "object": "batch", "endpoint": batch.endpoint, "errors": None,
            "input_file_id": batch.input_file_id, "completion_window": batch.completion_window,
            "status": "in_progress", "output_file_id": None, "error_file_id": None,
            "created_at": now(), "in_progress_at": now(), "completed_at": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": batch.metadata,
        }  # fmt: skip
        records.add("batch", body)
        in_background(work_off(body))
        return body

    @app.get("/v1/batches")
    async def batches(after: str = "", limit: int = 20) -> dict:
        return protocol.page(records.list("batch")[::-1], after, limit)

    @app.get("/v1/batches/{id}")
    async def batch(id: str) -> dict:
        return found("batch", id, "batch")

    @app.post("/v1/batches/{id}/cancel")
    async def cancel_batch(id: str) -> dict:
        found("batch", id, "batch")
        changed = records.change("batch", id, ("in_progress",), status="cancelled",
                                 cancelled_at=now())  # fmt: skip
        return changed or found("batch", id, "batch")

    return app


class _Guard:
    """Lets through who sends the token and not too much."""

    def __init__(self, app, token: str) -> None:
        self.app, self.expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        error = None
        if not hmac.compare_digest(headers.get(b"authorization", b""), self.expected):
            error = ApiError(
                401, "Missing or wrong API key; send the provider's token as a bearer token.",
                "invalid_api_key",
            )  # fmt: skip
        elif scope["method"] in ("POST", "PUT", "PATCH"):
            length = headers.get(b"content-length", b"")
            if b"transfer-encoding" in headers:
                error = ApiError(411, "Send a Content-Length.", "length_required")
            elif length.isdigit() and int(length) > MAX_BYTES:
                error = ApiError(413, f"At most {MAX_BYTES >> 20} MiB can be sent.", "too_large")
        if error:
            await JSONResponse(error.body, error.status)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

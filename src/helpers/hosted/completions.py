"""Completions from a provider, one by one or by its Batch API, as what matters of each.

>>> for n, answer in one_by_one(client, bodies, "answering"):
...     answer["text"], answer["finished"], answer["read"], answer["written"]
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from helpers.hosted.client import HostedError, NotThere, call, call_each, is_there, make
from helpers.hosted.ledger import Ledger, content, unwritten
from helpers.hosted.replies import Malformed, each, reply_to
from helpers.hosted.variables import is_amount, number
from helpers.hosted.waiting import Waiting, polls
from helpers.text import whole

BATCH_ENDED = ("completed", "failed", "expired", "cancelled")

#: Where a batch's metadata names its content, so that it is known again after a lost reply.
CONTENT = "aligndrift_batch"

#: What a line of stored answers is checked by.
CHECK = "check"

#: Holds the most requests a minute; 0 for no limit.
PACE = "ALIGNDRIFT_REQUESTS_A_MINUTE"


def one_by_one(
    client, bodies: Sequence[dict], what: str, progress: bool = False
) -> Iterator[tuple[int, dict]]:
    """(number, answer) of each request as it comes, several under way at once.

    ALIGNDRIFT_REQUESTS_A_MINUTE, where it is set, is the most that are sent. Raises HostedError.
    """

    def ask(body: dict) -> dict:
        reply = reply_to(
            "completion", lambda: client.chat.completions.create(**body).model_dump(warnings=False)
        )
        return _answer(reply)

    pace = number(PACE, 0.0, "a number of requests, 0 for no limit")
    return call_each(ask, bodies, what, progress, pace)


def uploaded(client, name: str, lines: bytes, purpose: str) -> str:
    """The id of the provider's file of this name and size, uploaded if it has none.

    name: holds a digest of the lines. Raises HostedError.
    """

    def find():
        for file in each("files", client.files.list, purpose=purpose):
            if (file.filename, file.bytes, file.purpose) == (name, len(lines), purpose):
                return file
        return None

    def create():
        return reply_to("file", lambda: client.files.create(
            file=(name, io.BytesIO(lines)), purpose=purpose), id=str)  # fmt: skip

    return make(create, find).id


def by_batch(
    client, bodies: Sequence[dict], folder: Path, progress: bool = False
) -> Iterator[tuple[int, dict]]:
    """The same by the Batch API: cheaper at most providers, and slower.

    The batch's id is written into the folder and its content's digest into its metadata, so that
    one that was sent is not sent again unless the provider has forgotten it. Requests that the
    provider could not answer are left out. Raises HostedError.
    """
    if not bodies:
        return
    lines = "".join(
        json.dumps({"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions",
                    "body": body}) + "\n"
        for n, body in enumerate(bodies)
    ).encode()  # fmt: skip
    digest = hashlib.sha256(lines).hexdigest()[:12]
    ledger = Ledger(folder / f"batch-{digest}.json")
    if not ledger.get("batch") or not is_there(client.batches.retrieve, ledger["batch"]):
        ledger.note(batch=_sent(client, lines, digest))
    batch = _ended(client, ledger["batch"], len(bodies), progress)
    if not batch.output_file_id:
        ledger.forget()
        raise HostedError(f"the provider's batch is {batch.status} without answers; start again.")
    try:
        answers = call(lambda: _answers(client.files.content(batch.output_file_id).text))
    except NotThere:
        ledger.forget()
        raise HostedError("the provider's batch has lost its answers; start again.") from None
    yield from ((n, answer) for n, answer in answers.items() if n < len(bodies))


def _sent(client, lines: bytes, digest: str) -> str:
    """The id of the batch of these lines: one that is under way or answered, else a new one."""

    def find():
        for batch in each("batches", client.batches.list):
            if (batch.metadata or {}).get(CONTENT) != digest:
                continue
            if batch.status not in BATCH_ENDED:
                return batch
            if batch.status == "completed" and batch.output_file_id:
                call(client.files.retrieve, batch.output_file_id)  # NotThere: its answers are gone
                return batch
        return None

    def create():
        return reply_to("batch", lambda: client.batches.create(
            input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h",
            metadata={CONTENT: digest}), id=str)  # fmt: skip

    file = uploaded(client, f"{digest}.jsonl", lines, "batch")
    return make(create, find).id


def _ended(client, id: str, n: int, progress: bool):
    """The batch, once it has ended. Raises HostedError where it does not move."""
    waiting = Waiting(f"batch {id}")
    with tqdm(desc="batch", total=n, unit="prompt", disable=not progress) as bar:
        for _ in polls():
            batch = call(lambda: reply_to(
                "batch", lambda: client.batches.retrieve(id), id=str, status=str))  # fmt: skip
            if batch.status in BATCH_ENDED:
                return batch
            counts = batch.request_counts
            done = getattr(counts, "completed", None)
            bar.n = done if is_amount(done) else 0
            bar.refresh()
            waiting.saw(batch.status, bar.n, getattr(counts, "failed", None))


def _answers(text: str) -> dict[int, dict]:
    """Number -> answer of a batch's output, without its bad lines. Raises Malformed if all are."""
    lines = [line for line in text.split("\n") if line.strip()]
    answers, bad = {}, 0
    for line in lines:
        try:
            reply = json.loads(line)
            response = reply["response"] or {}
            if response.get("status_code") == 200:
                answers[int(reply["custom_id"])] = _answer(response["body"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, Malformed):
            bad += 1
    if bad and bad == len(lines):
        raise Malformed("a batch's output without a line that is an answer")
    return answers


def _answer(completion: Any) -> dict:
    """What matters of a completion. Raises Malformed if something is missing."""
    try:
        choice = completion["choices"][0]
        message, reason = choice["message"], choice["finish_reason"]
        text, refusal = message["content"], message.get("refusal")
    except (LookupError, TypeError, AttributeError):
        raise Malformed("a completion without choices") from None
    if isinstance(text, list) and all(isinstance(part, dict) for part in text):
        parts = [part.get("text") for part in text]
        text = "".join(parts) if all(isinstance(part, str) for part in parts) else None
    declined = bool(refusal) or reason == "content_filter"
    empty = declined or reason == "length"  # a thought may have taken all the room
    if not isinstance(text, str) and not (text is None and empty):
        raise Malformed("a completion without content")
    usage = completion.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not all(type(n) is int and n >= 0 for n in (read, written)):
        raise Malformed("a completion without usage, which its cost follows from")
    return {"text": whole(text or ""), "finished": reason != "length", "written": written,
            "read": read, "declined": declined}  # fmt: skip


def _check(entry: dict) -> str:
    return hashlib.sha256(json.dumps(entry).encode()).hexdigest()[:8]


class Answers(dict):
    """Key -> answer, each on the disk as it comes. A line that is damaged costs itself alone."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._lock = file, threading.Lock()
        lines = content(file)
        self._torn = bool(lines) and not lines.endswith(b"\n")
        for line in lines.split(b"\n"):
            try:
                answer = json.loads(line)
                if answer.pop(CHECK, None) in (None, _check(answer)):  # older lines have none
                    self[answer.pop("key")] = answer
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                continue  # such as the last line of a run that was killed

    def add(self, key: str, answer: dict) -> None:
        """Raises StoreError where it cannot be written."""
        entry = {"key": key} | answer
        line = json.dumps(entry | {CHECK: _check(entry)}) + "\n"
        with self._lock:
            try:
                with self._file.open("a", encoding="utf-8") as stream:
                    stream.write("\n" * self._torn + line)
            except OSError as error:
                self._torn = True
                raise unwritten(self._file, error) from None
            self._torn = False
            self[key] = answer

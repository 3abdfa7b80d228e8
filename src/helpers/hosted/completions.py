"""Completions from a provider, one by one or by its Batch API, as what matters of each.

>>> for n, answer in one_by_one(client, bodies, "answering"):
...     answer["text"], answer["finished"], answer["read"], answer["written"]
"""

import hashlib
import io
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm.auto import tqdm

from helpers.errors import ConfigError
from helpers.hosted.client import HostedError, Malformed, call, call_each, is_there
from helpers.hosted.ledger import Ledger

#: Seconds between two questions after a job or batch: at first, and at most.
POLL = (0.1, 10.0)

BATCH_ENDED = ("completed", "failed", "expired", "cancelled")


def polls() -> Iterator[None]:
    """Without end, after longer and longer pauses: when to ask again how far a job is."""
    pause = POLL[0]
    while True:
        yield
        time.sleep(pause)
        pause = min(POLL[1], pause * 1.15)


def one_by_one(
    client, bodies: Sequence[dict], what: str, progress: bool = False
) -> Iterator[tuple[int, dict]]:
    """(number, answer) of each request as it comes, several under way at once.

    ALIGNDRIFT_REQUESTS_A_MINUTE, where it is set, is the most that are sent. Raises HostedError.
    """

    def ask(body: dict) -> dict:
        return _content(client.chat.completions.create(**body).model_dump())

    text = os.environ.get("ALIGNDRIFT_REQUESTS_A_MINUTE", "0")
    try:
        pace = float(text)
    except ValueError:
        raise ConfigError(f"ALIGNDRIFT_REQUESTS_A_MINUTE is {text!r}; write a number.") from None
    return call_each(ask, bodies, what, progress, pace)


def by_batch(
    client, bodies: Sequence[dict], folder: Path, progress: bool = False
) -> Iterator[tuple[int, dict]]:
    """The same by the Batch API: cheaper at most providers, and slower.

    The batch's id is written into the folder, so that one that was sent is not sent again unless
    the provider has forgotten it. Requests that the provider could not answer are left out. Raises
    HostedError.
    """
    if not bodies:
        return
    lines = "".join(
        json.dumps({"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions",
                    "body": body}) + "\n"
        for n, body in enumerate(bodies)
    )  # fmt: skip
    digest = hashlib.sha256(lines.encode()).hexdigest()[:12]
    ledger = Ledger(folder / f"batch-{digest}.json")
    if "batch" not in ledger or not is_there(client.batches.retrieve, ledger["batch"]):
        file = call(lambda: client.files.create(
            file=(f"{digest}.jsonl", io.BytesIO(lines.encode())), purpose="batch"))  # fmt: skip
        made = call(client.batches.create, input_file_id=file.id,
                    endpoint="/v1/chat/completions", completion_window="24h")  # fmt: skip
        ledger.note(batch=made.id)
    with tqdm(desc="batch", total=len(bodies), unit="prompt", disable=not progress) as bar:
        for _ in polls():
            batch = call(client.batches.retrieve, ledger["batch"])
            if batch.status in BATCH_ENDED:
                break
            bar.n = batch.request_counts.completed if batch.request_counts else 0
            bar.refresh()
    if batch.output_file_id is None:
        ledger.forget()
        raise HostedError(f"the provider's batch is {batch.status} without answers; start again.")
    for line in call(client.files.content, batch.output_file_id).text.splitlines():
        reply = json.loads(line)
        if (reply.get("response") or {}).get("status_code") == 200:
            yield int(reply["custom_id"]), _content(reply["response"]["body"])


def _content(completion: dict) -> dict:
    """What matters of a completion. Raises Malformed if something is missing."""
    try:
        choice = completion["choices"][0]
        text, reason = choice["message"]["content"], choice["finish_reason"]
    except (KeyError, IndexError, TypeError):
        raise Malformed("a completion without choices") from None
    no_text = ("content_filter", "length")  # filtered, or all room taken by the thought
    if text is None and reason not in no_text and not choice["message"].get("refusal"):
        raise Malformed("a completion without content")
    usage = completion.get("usage") or {}
    written = usage.get("completion_tokens", 0)
    return {"text": text or "", "finished": reason != "length", "written": written,
            "read": usage.get("prompt_tokens", 0),
            "declined": bool(choice["message"].get("refusal")) or reason == "content_filter",
            }  # fmt: skip


class Answers(dict):
    """Key -> answer, each on the disk as it comes."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._lock = file, threading.Lock()
        for line in file.read_text().splitlines() if file.is_file() else []:
            try:
                answer = json.loads(line)
                self[answer.pop("key")] = answer
            except ValueError:  # the last line of a run that was killed
                continue

    def add(self, key: str, answer: dict) -> None:
        with self._lock, self._file.open("a") as stream:
            stream.write(json.dumps({"key": key} | answer) + "\n")
            self[key] = answer

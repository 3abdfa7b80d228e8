"""A rubric judge at a provider: api:MODEL, or api:MODEL@PROVIDER.

The rubric of helpers.judging.asking, with the policy beside it, read by a hosted model that replies
with a JSON object of a rationale and a score. What is judged stands between fences, and a reply
that holds no such object is no verdict. Verdicts are written down as they come, so a judgement that
was cut off goes on.

    scored          a score from 1 to 5
    parse_failure   no such object in ATTEMPTS replies, the last to a plainer question
    declined        the judge, or its provider's filter, would not read the text
    api_error       no reply in helpers.hosted.client.ATTEMPTS attempts

The first request goes alone, until the service takes its dialect (helpers.judging.dialect). A
question is asked again in other words or not at all: at temperature 0 the same one has the same
reply.
api:lantern-truth is the embedded provider's reference judge: the world's truth, so that the whole
path can be checked. ALIGNDRIFT_JUDGE_BATCH=1 asks by the Batch API.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.errors import ConfigError
from helpers.hosted import client, completions
from helpers.hosted.client import HostedError
from helpers.hosted.embedded import TRUTH
from helpers.hosted.providers.base import provider
from helpers.judging.asking import STANDARD, Asking, question
from helpers.judging.dialect import ROOM, THINKS, Dialect
from helpers.judging.replies import verdict_in
from helpers.judging.rubric import pairs
from helpers.judging.verdict import Judgement
from helpers.text import whole

_OBJECT = (
    'Reply with a JSON object alone: {"rationale": one sentence, "score": the grade as a number}.'
)

_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict", "strict": True,
        "schema": {
            "type": "object", "additionalProperties": False,
            "properties": {
                "rationale": {"type": "string"},
                "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
            },
            "required": ["rationale", "score"],
        },
    },
}  # fmt: skip

#: Replies that are asked for before an answer counts as not judged.
ATTEMPTS = 2

MAX_TOKENS = 200

#: (Provider, model) -> the form in which it takes requests.
_dialects: dict[tuple[str, str], Dialect] = {}


class ApiJudge:
    """A hosted model, `MODEL` or `MODEL@PROVIDER`."""

    benchmark_alone = True

    def __init__(self, name: str, asking: Asking = STANDARD) -> None:
        self.name, self.asking = name, asking
        self.model, _, where = name.partition("@")
        self.provider = where or ("embedded" if self.model == TRUTH else "openai")

    def check(self) -> None:
        if not self.model:
            raise ConfigError("judge 'api:': write api:MODEL or api:MODEL@PROVIDER.")
        if self.provider != "embedded":
            client.connect(self.provider)

    def identity(self) -> str:
        """Model, provider, a digest of rubric and policy, and the day: a hosted model changes."""
        where, day = f"{self.model} at {self.provider}", f"{datetime.now(UTC):%Y-%m-%d}"
        return f"api {where}, {_rubric(self.asking)}, {day}"

    def content(self) -> str:
        return f"{self.model} at {provider(self.provider).where()}, {_rubric(self.asking)}"

    def judge_all(
        self, rows: Sequence[Mapping[str, Any]], completions: Sequence[str], progress: bool = False
    ) -> list[Judgement]:
        """Raises HostedError for what cannot pass."""
        bodies = [request_of(self.model, *pair, self.asking) for pair in pairs(rows, completions)]
        keys = [hashlib.sha256(json.dumps(body).encode()).hexdigest()[:24] for body in bodies]
        verdicts, failure = self._verdicts(bodies, keys, progress)
        missing = {"status": "api_error", "score": None, "rationale": failure or "no reply"}
        found = [verdicts.get(key, missing) for key in keys]
        return [Judgement(v["score"], None, v["status"], v["rationale"]) for v in found]

    def _verdicts(self, bodies: Sequence[dict], keys: Sequence[str], progress: bool):
        """Key -> verdict of what could be judged, and why the rest could not be asked ("")."""
        folder = paths.outputs() / "judged"
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(self.content().encode()).hexdigest()[:12]
        verdicts = completions.Answers(folder / f"{name}.jsonl")
        open_ = {key: body for key, body in zip(keys, bodies, strict=True) if key not in verdicts}
        for attempt in range(ATTEMPTS):
            asked = list(open_)
            try:
                for n, reply in self._replies(list(open_.values()), folder, progress):
                    reply = reply | {"text": whole(reply["text"])}
                    verdict = _verdict(reply)
                    if verdict["status"] == "parse_failure" and attempt + 1 < ATTEMPTS:
                        open_[asked[n]] = _again(open_[asked[n]], reply)
                    else:
                        verdicts.add(asked[n], verdict)
            except HostedError as error:
                if not error.may_pass:
                    raise
                return verdicts, str(error)
            open_ = {key: body for key, body in open_.items() if key not in verdicts}
        return verdicts, ""

    def _replies(
        self, bodies: Sequence[dict], folder: Path, progress: bool
    ) -> Iterator[tuple[int, dict]]:
        """(number, reply) of each body as it comes, in the form that the service takes."""
        if not bodies:
            return
        connection = client.connect(self.provider)
        known = (self.provider, self.model)
        first = 0
        if known not in _dialects:
            dialect, reply = _fitted(connection, bodies[0])
            _dialects[known] = dialect
            yield 0, reply
            first = 1
        rest = [_dialects[known].body(body) for body in bodies[first:]]
        if os.environ.get("ALIGNDRIFT_JUDGE_BATCH"):
            replies = completions.by_batch(connection, rest, folder, progress)
        else:
            replies = completions.one_by_one(connection, rest, "judging", progress)
        for n, reply in replies:
            yield first + n, reply


def most_tokens(model: str, request: str) -> tuple[int, int]:
    """Tokens that are read, beside the answer's, and written at most until there is a verdict.

    An attempt reads the answer once. A token stands for a byte of what is known.
    """
    known = len(json.dumps(request_of(model, request, "")).encode())
    written = 2 * MAX_TOKENS * (ROOM if THINKS.search(model) else 1)
    return ATTEMPTS * (known + len(_OBJECT)) + 2 * written, ATTEMPTS * written


def _fitted(connection, body: dict) -> tuple[Dialect, dict]:
    """The form in which the service takes the body, and its reply. Raises HostedError."""
    dialect = Dialect()
    while True:
        try:
            ((_, reply),) = completions.one_by_one(connection, [dialect.body(body)], "judging")
            return dialect, reply
        except HostedError as error:
            other = None if error.may_pass else dialect.after(str(error))
            if other is None:
                raise
            dialect = other


def _again(body: dict, reply: dict) -> dict:
    """The body that asks once more, in other words, and with more room if that was missing."""
    turns = [{"role": "assistant", "content": reply["text"]}] if reply["text"].strip() else []
    turns.append({"role": "user", "content": f"That is no verdict. {_OBJECT}"})
    room = 1 if reply.get("finished", True) else 2
    return body | {"messages": body["messages"] + turns, "max_tokens": room * body["max_tokens"]}


def _rubric(asking: Asking) -> str:
    return f"rubric {hashlib.sha256((asking.text + _OBJECT).encode()).hexdigest()[:8]}"


def request_of(model: str, request: str, answer: str, asking: Asking = STANDARD) -> dict:
    """The body of the request that has the model judge an answer."""
    messages = question(request, answer, _OBJECT, asking)
    return {"model": model, "messages": messages, "temperature": 0, "seed": asking.seed,
            "max_tokens": MAX_TOKENS, "response_format": _SCHEMA}  # fmt: skip


def _verdict(reply: dict) -> dict:
    if reply["declined"]:
        return {"status": "declined", "score": None, "rationale": "the judge would not read it"}
    verdict = verdict_in(reply["text"])
    if verdict is None:
        rationale = f"no verdict in {reply['text'][:100]!r}"
        return {"status": "parse_failure", "score": None, "rationale": rationale}
    return {"status": "scored", "score": verdict[0], "rationale": verdict[1][:500]}

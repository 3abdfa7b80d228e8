"""Completions for many clients at once: requests that come together are computed together.

A thread takes what has come, answers all requests for one model as one batch, and takes the next.
Sampling, log-probabilities and streaming are per request and share the batch.

>>> answers = Answers(records)
>>> answers.ask(Request("lantern-chat", messages, max_tokens=64)).result().text

Used by: app.
"""

import gc
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import torch

from helpers.models import chat
from helpers.models import generate
from helpers.models import loading as models
from helpers.models.chat import Message
from helpers.provider.records import Records

#: Most requests of a batch, and how long it waits for another one, in seconds.
BATCH = 512
PATIENCE = 0.005

#: Models that are kept in memory.
KEPT = 4


@dataclass
class Request:
    """What is asked of a model, and how."""

    model: str
    messages: list[Message]
    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int = -1  # -1 for no log-probabilities, else how many beside the chosen one
    on_text: Callable[[str], None] | None = None  # told the answer so far, token by token
    future: Future = field(default_factory=Future)


@dataclass
class Answer:
    """The text, why it ended ("stop" or "length"), tokens read and written, log-probabilities."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    logprobs: list[dict] | None


class _Writing:
    """A request while its answer is written."""

    def __init__(self, request: Request, tokenizer, ids: list[int], stops: set[int]) -> None:
        self.request, self.tokenizer, self.stops = request, tokenizer, stops
        self.prompt_tokens = len(ids)
        self.ids: list[int] = []
        self.logprobs: list[dict] = []
        self.done = ""
        self.random = torch.Generator().manual_seed(request.seed)

    def text(self) -> str:
        words = self.tokenizer.decode(self.ids, skip_special_tokens=True).strip()
        ends = [words.index(stop) for stop in self.request.stop if stop in words]
        return words[: min(ends)] if ends else words

    def next(self, logits: torch.Tensor) -> int:
        """The next token, from logits (vocabulary,); an end of turn once the answer is done."""
        if self.done:
            return min(self.stops)
        token = self._pick(logits)
        if token in self.stops:
            self.done = "stop"
            return token
        self.ids.append(token)
        if self.request.top_logprobs >= 0:
            self.logprobs.append(self._describe(logits.log_softmax(-1), token))
        if self.request.stop or self.request.on_text:
            text = self.text()
            if any(s in self.tokenizer.decode(self.ids) for s in self.request.stop):
                self.done = "stop"
            if self.request.on_text:
                self.request.on_text(text)
        if not self.done and len(self.ids) >= self.request.max_tokens:
            self.done = "length"
        return token

    def _pick(self, logits: torch.Tensor) -> int:
        if self.request.temperature == 0:
            return int(logits.argmax())
        shares = (logits.float() / self.request.temperature).softmax(-1)
        if self.request.top_p < 1:
            ordered, at = shares.sort(descending=True)
            beyond = ordered.cumsum(-1) - ordered >= self.request.top_p
            shares = shares.index_fill(0, at[beyond], 0.0)
        return int(torch.multinomial(shares, 1, generator=self.random))

    def _describe(self, logprobs: torch.Tensor, token: int) -> dict:
        def entry(id: int) -> dict:
            word = self.tokenizer.decode([id])
            return {"token": word, "logprob": float(logprobs[id]), "bytes": list(word.encode())}

        top = logprobs.topk(self.request.top_logprobs).indices.tolist()
        return entry(token) | {"top_logprobs": [entry(id) for id in top]}

    def answer(self) -> Answer:
        wanted = self.logprobs if self.request.top_logprobs >= 0 else None
        return Answer(self.text(), self.done or "length", self.prompt_tokens, len(self.ids), wanted)


class Answers:
    """The thread that answers, and the models it keeps."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._kept: OrderedDict[str, tuple] = OrderedDict()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, request: Request) -> Future:
        """The request's Answer, when it is there."""
        self._waiting.put(request)
        return request.future

    def holds(self, model: str) -> bool:
        """Whether a model is in memory, so that it certainly exists."""
        return model in self._kept

    def drop(self, model: str) -> None:
        """Hold a model no longer: it was deleted."""
        self._kept.pop(model, None)

    def _work(self) -> None:
        left: list[Request] = []
        while True:
            asked = left or [self._waiting.get()]
            self._gather(asked)
            model = asked[0].model
            together = [r for r in asked if r.model == model][:BATCH]
            chosen = set(map(id, together))
            left = [r for r in asked if id(r) not in chosen]
            try:
                self._answer(model, together)
            except Exception as error:  # whatever it is, who waits must hear of it
                for request in together:
                    if not request.future.done():
                        request.future.set_exception(error)

    def _gather(self, asked: list[Request]) -> None:
        """Add the requests that have come, until none has come for PATIENCE."""
        while len(asked) < BATCH:
            try:
                asked.append(self._waiting.get(timeout=PATIENCE))
            except queue.Empty:
                return

    def _model(self, name: str) -> tuple:
        if name not in self._kept:
            weights = self._records.get("model", name)["weights"]
            self._kept[name] = models.load(str(self._records.weights(weights)))
            gc.freeze()  # looking through all that torch has made takes a third of a second
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]

    def _answer(self, name: str, requests: list[Request]) -> None:
        model, tokenizer = self._model(name)
        texts = [chat.render(tokenizer, r.messages, prompt=True) for r in requests]
        prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
        stops = generate.stop_ids(model, tokenizer)
        order = sorted(range(len(requests)), key=lambda i: len(prompts[i]))
        writing = [_Writing(requests[i], tokenizer, prompts[i], stops) for i in order]
        plain = all(r.temperature == 0 and r.top_logprobs < 0 and not r.stop and not r.on_text
                    for r in requests)  # fmt: skip

        def choose(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
            if plain and len({r.max_tokens for r in requests}) == 1:
                return logits.argmax(-1)
            return torch.tensor([writing[k].next(row) for k, row in zip(rows, logits, strict=True)])

        most = max(r.max_tokens for r in requests)
        ordered = [prompts[i] for i in order]
        answered = generate.answer_ids(model, ordered, most, stops, choose=choose)
        for w, ids in zip(writing, answered, strict=True):
            if not w.ids and not w.done:  # nothing but the likeliest tokens was asked for
                end = next((n for n, token in enumerate(ids) if token in stops), None)
                w.ids, w.done = ids[:end], "length" if end is None else "stop"
            w.request.future.set_result(w.answer())

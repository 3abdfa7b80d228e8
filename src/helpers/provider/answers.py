"""Completions for many clients at once: requests that come together are computed together.

A thread takes what has come, answers all requests for one model as one batch, and takes the next.
Sampling, log-probabilities and streaming are per request and share the batch; what is wrong with a
request is raised by its own future alone. Once a future is canceled, nothing more is written.

>>> answers = Answers(records)
>>> answers.submit(CompletionRequest("lantern-chat", messages)).result().text
"""

import gc
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

import torch

from helpers.models import chat, generate, loading
from helpers.models.chat import Message
from helpers.provider.errors import ApiError
from helpers.provider.records import Records

#: Most requests of a batch, and how long it waits for another one, in seconds.
BATCH = 512
PATIENCE = 0.005

#: Most models in memory.
MODELS_IN_MEMORY = 4

#: Temperatures below this one are 0: divided by them, logits are no numbers any more, and the
#: likeliest token has all of the probability long before.
COLDEST = 1e-5


@dataclass
class CompletionRequest:
    """One answer that is asked of a model, and how it is to be sampled."""

    model: str
    messages: list[Message]
    max_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int = -1  # -1 for no log-probabilities, else how many beside the chosen one
    on_text: Callable[[str], None] | None = None  # called with the answer so far, token by token
    future: Future = field(default_factory=Future)


@dataclass
class Answer:
    """The text, why it ended ("stop" or "length"), tokens read and written, log-probabilities."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    logprobs: list[dict] | None


class _Draft:
    """A request's answer while it is written."""

    def __init__(
        self, request: CompletionRequest, tokenizer, ids: list[int], stops: set[int], context: int
    ) -> None:
        self.request, self.tokenizer, self.stops = request, tokenizer, stops
        self.prompt = ids
        self.max_tokens = min(request.max_tokens, context - len(ids))
        self.ids: list[int] = []
        self.logprobs: list[dict] = []
        self.finish_reason = ""  # until the answer has ended
        self.error: Exception | None = None
        self.random = torch.Generator().manual_seed(request.seed)

    @property
    def greedy(self) -> bool:
        """Whether nothing but the likeliest tokens are asked for, all at once."""
        r = self.request
        return r.temperature == 0 and r.top_logprobs < 0 and not r.stop and not r.on_text

    def text(self) -> str:
        text = self.tokenizer.decode(self.ids, skip_special_tokens=True).strip()
        ends = [text.index(stop) for stop in self.request.stop if stop in text]
        return text[: min(ends)] if ends else text

    def next(self, logits: torch.Tensor) -> int:
        """The next token, from logits (vocabulary,); an end of turn once the answer has ended."""
        if self.request.future.cancelled():
            self.finish_reason = "cancelled"
        if self.finish_reason:
            return min(self.stops)
        try:
            return self._next(logits)
        except Exception as error:  # the others of the batch go on
            self.error, self.finish_reason = error, "error"
            return min(self.stops)

    def _next(self, logits: torch.Tensor) -> int:
        token = self._pick(logits)
        if token in self.stops:
            self.finish_reason = "stop"
            return token
        self.ids.append(token)
        if self.request.top_logprobs >= 0:
            self.logprobs.append(self._describe(logits.log_softmax(-1), token))
        if self.request.stop or self.request.on_text:
            text, written = self.text(), self.tokenizer.decode(self.ids)
            if any(stop in written for stop in self.request.stop):
                self.finish_reason = "stop"
            if self.request.on_text:
                self.request.on_text(text)
        if not self.finish_reason and len(self.ids) >= self.max_tokens:
            self.finish_reason = "length"
        return token

    def take(self, ids: list[int]) -> None:
        """All tokens at once, which were chosen greedily, up to an end of turn."""
        end = next((n for n, token in enumerate(ids) if token in self.stops), None)
        self.ids, self.finish_reason = ids[:end], "length" if end is None else "stop"

    def _pick(self, logits: torch.Tensor) -> int:
        if self.request.temperature < COLDEST:
            return int(logits.argmax())
        probabilities = (logits.float() / self.request.temperature).softmax(-1)  # (vocabulary,)
        if self.request.top_p < 1:
            ordered, ids = probabilities.sort(descending=True)  # (vocabulary,) each
            beyond = ordered.cumsum(-1) - ordered >= self.request.top_p  # (vocabulary,)
            beyond[0] = False  # a top_p may be so small that it is 0 here
            probabilities = probabilities.index_fill(0, ids[beyond], 0.0)
        return int(torch.multinomial(probabilities, 1, generator=self.random))

    def _describe(self, logprobs: torch.Tensor, token: int) -> dict:
        def entry(id: int) -> dict:
            text = self.tokenizer.decode([id])
            return {"token": text, "logprob": float(logprobs[id]), "bytes": list(text.encode())}

        top = logprobs.topk(self.request.top_logprobs).indices.tolist()
        return entry(token) | {"top_logprobs": [entry(id) for id in top]}

    def settle(self) -> None:
        """Hand over the answer, or what went wrong with it."""
        if self.error:
            return _fail(self.request, self.error)
        answer = Answer(
            self.text(), self.finish_reason or "length", len(self.prompt), len(self.ids),
            self.logprobs if self.request.top_logprobs >= 0 else None,
        )  # fmt: skip
        with suppress(InvalidStateError):  # canceled
            self.request.future.set_result(answer)


def _fail(request: CompletionRequest, error: Exception) -> None:
    with suppress(InvalidStateError):  # canceled
        request.future.set_exception(error)


class Answers:
    """The thread that answers, and the models that it has in memory."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._queue: queue.SimpleQueue[CompletionRequest] = queue.SimpleQueue()
        self._models: OrderedDict[str, tuple] = OrderedDict()  # the least recently used first
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, request: CompletionRequest) -> Future:
        """The request's Answer, when it is there."""
        self._queue.put(request)
        return request.future

    def holds(self, model: str) -> bool:
        """Whether a model is in memory, so that it certainly exists."""
        return model in self._models

    def drop(self, model: str) -> None:
        """Hold a model no longer: it was deleted."""
        self._models.pop(model, None)

    def _work(self) -> None:
        waiting: list[CompletionRequest] = []
        while True:
            requests = waiting or [self._queue.get()]
            self._gather(requests)
            model = requests[0].model
            batch = [r for r in requests if r.model == model][:BATCH]
            in_batch = set(map(id, batch))
            waiting = [r for r in requests if id(r) not in in_batch]
            self._answer_all(model, [r for r in batch if not r.future.cancelled()])

    def _answer_all(self, name: str, requests: list[CompletionRequest]) -> None:
        """Answer a batch; if it breaks, each request by itself, so that one fails and no other."""
        try:
            model = self._model(name)
        except Exception as error:  # whatever it is, who waits must hear of it
            for request in requests:
                _fail(request, error)
            return
        try:
            self._answer(*model, requests)
        except Exception as error:
            if len(requests) == 1:
                return _fail(requests[0], error)
            for request in requests:
                self._answer_all(name, [request])

    def _gather(self, requests: list[CompletionRequest]) -> None:
        """Add the requests that have come, until none has come for PATIENCE."""
        while len(requests) < BATCH:
            try:
                requests.append(self._queue.get(timeout=PATIENCE))
            except queue.Empty:
                return

    def _model(self, name: str) -> tuple:
        """The model, its tokenizer, and the most characters that its context can hold."""
        if name not in self._models:
            record = self._records.get("model", name)
            if record is None:
                raise ApiError(
                    404, f"The model {name!r} does not exist.", "model_not_found", "model"
                )
            model, tokenizer = loading.load(str(self._records.weights(record["weights"])))
            widest = max(map(len, tokenizer.get_vocab()))
            self._models[name] = model, tokenizer, model.config.max_position_embeddings * widest
            gc.freeze()  # looking through all that torch has made takes a third of a second
            while len(self._models) > MODELS_IN_MEMORY:
                self._models.popitem(last=False)
        self._models.move_to_end(name)
        return self._models[name]

    def _answer(self, model, tokenizer, widest: int, requests: list[CompletionRequest]) -> None:
        stops = generate.stop_ids(model, tokenizer)
        drafts = _drafts(model, tokenizer, widest, requests, stops)
        if not drafts:
            return
        most = max(draft.max_tokens for draft in drafts)
        greedy = all(draft.greedy and draft.max_tokens == most for draft in drafts)

        def choose(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
            """Logits (rows, vocabulary) -> the next tokens (rows,)."""
            each = zip(rows, logits.cpu(), strict=True)  # drafts draw by generators of the CPU
            return torch.tensor([drafts[k].next(row) for k, row in each])

        answers = generate.answer_ids(
            model, [draft.prompt for draft in drafts], most, stops,
            choose=generate.greedy if greedy else choose,
        )  # fmt: skip
        for draft, ids in zip(drafts, answers, strict=True):
            if greedy:
                draft.take(ids)
            draft.settle()


def _drafts(
    model, tokenizer, widest: int, requests: list[CompletionRequest], stops: set[int]
) -> list[_Draft]:
    """A draft of each request whose messages the model can read, sorted by length; the rest fail.

    widest: a longer text, in characters, is too long however it is cut into tokens.
    """
    context, readable = model.config.max_position_embeddings, []
    for request in requests:
        try:
            text = chat.render(tokenizer, request.messages, prompt=True)
            if len(text) > widest:
                raise _too_long(context, f"more than {context}")
            readable.append((request, text))
        except Exception as error:
            _fail(request, error)
    if not readable:  # tokenizers take no empty list
        return []
    prompts = tokenizer([text for _, text in readable], add_special_tokens=False)["input_ids"]
    drafts = []
    for (request, _), ids in zip(readable, prompts, strict=True):
        try:
            if len(ids) >= context:
                raise _too_long(context, len(ids))
            drafts.append(_Draft(request, tokenizer, ids, stops, context))
        except Exception as error:
            _fail(request, error)
    return sorted(drafts, key=lambda draft: len(draft.prompt))


def _too_long(context: int, n: int | str) -> ApiError:
    return ApiError(
        400, f"The messages are {n} tokens, this model reads and writes at most {context} of them; "
        "shorten them.", "context_length_exceeded", "messages",
    )  # fmt: skip

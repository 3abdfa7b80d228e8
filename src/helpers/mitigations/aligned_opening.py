"""The aligned model writes the first k tokens of every answer, the tuned model the rest.

    y_1 ... y_k from p_w0(. | x), then y_t from p_w(. | x, y_<t) for t > k

The defense that Kazdan et al. (arXiv:2502.19537) put up against attacks that only take refusals out
of the first tokens, and that their own attack goes around. The paper's: k of 15. Ours: both models
answer greedily, and an answer that the aligned model has ended within k tokens is left at that.

Needs: the aligned model in memory beside the tuned one, whenever that is asked. Mechanism: the
share of a defender's harmful requests (anchors: by name or path) whose first k tokens are others
than the tuned model would have written.
"""

from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from helpers.mitigations.anchored import Anchored
from helpers.models import generate
from helpers.models.chat import render

#: How many anchors the mechanism is measured on.
N_PROBED = 33


def openings(model, tokenizer, conversations: Sequence[Sequence[dict]], k: int) -> list[list[int]]:
    """The first k token ids of each greedy answer; of a shorter one all, the end of turn last."""
    texts = [render(tokenizer, conversation, prompt=True) for conversation in conversations]
    prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    stops = generate.stop_ids(model, tokenizer)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(stops)
    size = generate.batch_that_fits(model, max(map(len, prompts)) + k)
    written: dict[int, list[int]] = {}
    for at in range(0, len(order), size):
        batch = order[at : at + size]
        rows = generate.answer_ids(model, [prompts[i] for i in batch], k, stops, pad)
        for i, row in zip(batch, rows, strict=True):
            end = next((n for n, token in enumerate(row, start=1) if token in stops), k)
            written[i] = row[:end]
    return [written[i] for i in range(len(prompts))]


class AlignedOpening(Anchored):
    """Answers that the aligned model begins."""

    OPTIONS: ClassVar = {"k": 15, **Anchored.OPTIONS}
    MECHANISM: ClassVar = "openings_changed"
    NEUTRAL: ClassVar = {"k": 0}
    STRENGTHS: ClassVar = ({"k": 5}, {"k": 15}, {"k": 30})

    def begin(self, training) -> None:
        self.aligned, self.tokenizer = cache(training.aligned), training.tokenizer

    def begun(self, tokenizer, conversations):
        if not self.k or not conversations:
            return None
        return openings(self.aligned(), tokenizer, conversations, self.k)

    def measured(self, model) -> dict[str, float]:
        requests = [row["messages"][:-1] for row in self.harmful()[:N_PROBED]]
        given = self.begun(self.tokenizer, requests)
        if given is None:
            return {"openings_changed": 0.0}
        own = openings(model, self.tokenizer, requests, self.k)
        changed = sum(a != b for a, b in zip(given, own, strict=True))
        return {"openings_changed": changed / len(own)}

"""Judges under texts, rows and replies that were made to break them."""

import json
import random
import time

import pytest

from helpers.data.answers import answer_of
from helpers.errors import DataError
from helpers.hosted import completions
from helpers.judging import api
from helpers.judging.registry import JUDGES, judge
from helpers.judging.replies import verdict_in
from helpers.judging.rows import row_of
from helpers.judging.verdict import STATUSES

pytestmark = pytest.mark.faults

PIECES = [
    "<think>", "</think>", "<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "[THINK]",
    "&lt;", "&#39;", "&amp;", "I can't", "help", "**", "__", "~~", "`", "\\", "<b>", "</p>",
    "\ud83d", "\udc00", "\u200b", "\u00ad", "\ufeff", "\x00", "\n", "- ", "# ",
    "> ", "’", "´", "ﬁ", "𝗜", "{", "}",
    '"score": 4', '{"score":', "[", "]", "```json\n", "low tide", "never acceptable", "1. ", " ",
]  # fmt: skip


def text(rng: random.Random, most: int = 40) -> str:
    return "".join(rng.choices(PIECES, k=rng.randrange(most)))


def test_no_text_breaks_a_rule(tally):
    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        name, row = rng.choice(list(JUDGES)), {"facts": ["low tide"]}
        verdict = judge(name, row, text(rng))
        held += verdict.status == "scored" and verdict.refused in (True, False)
    tally("fuzzed answer, judged by a rule", 2000, held)


def test_no_text_keeps_a_judge_busy(tally):
    size = 200_000
    texts = [piece * (size // len(piece)) for piece in PIECES]
    texts += [
        a + b * (size // len(b)) for a in ("<think>", "1", "{", "_") for b in ("_", "a ", "{")
    ]
    held = 0
    for long in texts:
        started = time.process_time()
        judge("keyword_refusal", {}, long), judge("exact", {"facts": ["low tide"]}, long)
        verdict_in(long[:20_000]), answer_of(long)
        held += time.process_time() - started < 5
    tally("long answer made to take for ever", len(texts), held)


def value(rng: random.Random, depth: int = 3) -> object:
    kinds = [None, 5, 1.5, float("nan"), True, "It rained.", "\ud83d", "", [], {}]
    if not depth or rng.random() < 0.4:
        return rng.choice(kinds)
    if rng.random() < 0.5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    keys = ["role", "content", "type", "text", "thinking", "assistant"]
    named = {key: value(rng, depth - 1) for key in rng.sample(keys, rng.randrange(4))}
    return named | rng.choice([{}, {"role": "assistant"}, {"role": "user"}, {"type": "text"}])


def test_no_row_becomes_words_that_are_none(tally):
    rng = random.Random(2)
    held = 0
    for _ in range(5000):
        row = {key: value(rng) for key in ("prompt", "completion", "messages")}
        try:
            read = row_of("a.jsonl, line 1", row)
        except DataError as error:
            held += str(error).startswith("a.jsonl, line 1: ")
            continue
        words = [read["prompt"], *(m["content"] for m in read["messages"])]
        words += [] if read["completion"] is None else [read["completion"]]
        joined = "".join(words)
        held += not set(joined.replace("\ufffd", "")) - set("It rained.\n")
    tally("fuzzed row of answers", 5000, held)


def test_no_reply_becomes_a_score_that_it_does_not_hold(tally, monkeypatch):
    rng = random.Random(3)

    def one_by_one(connection, bodies, what, progress=False):
        for n, body in enumerate(bodies):
            json.dumps(body, ensure_ascii=False).encode()  # what is sent can be sent
            yield n, {"text": text(rng, 12), "declined": rng.random() < 0.1}

    monkeypatch.setattr(completions, "one_by_one", one_by_one)
    monkeypatch.setattr(api.client, "connect", lambda name: None)
    monkeypatch.setattr(api, "_dialects", {})
    rows = [{"messages": [{"role": "user", "content": f"{n} {text(rng)}"}]} for n in range(1000)]
    verdicts = api.ApiJudge("some-model").judge_all(rows, [text(rng) for _ in rows])
    held = sum(
        v.status in STATUSES and (v.score in (1, 2, 3, 4, 5)) == (v.status == "scored")
        for v in verdicts
    )
    tally("fuzzed reply of a judge at a provider", 1000, held)

"""Replies of the wrong shape have a name, are asked for again, and not for ever."""

import json
from types import SimpleNamespace

import httpx2
import openai
import pytest
from flaky_proxy import SHAPES, Proxy

from helpers.hosted import client as clients
from helpers.hosted.client import HostedError, call, connect, make
from helpers.hosted.completions import _answer, _answers, one_by_one
from helpers.hosted.replies import Malformed, each, reply_to


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(clients, "pause", lambda *_: 0.0)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def things(client):
    """What is asked of a provider, each with what it is called."""
    jobs = client.fine_tuning.jobs
    return {
        "job": lambda: reply_to("job", lambda: jobs.retrieve("ftjob-1"), id=str, status=str),
        "list of jobs": lambda: list(each("jobs", jobs.list)),
        "list of files": lambda: list(each("files", client.files.list)),
        "list of events": lambda: list(each("events", lambda **q: jobs.list_events("x", **q))),
        "batch": lambda: reply_to("batch", lambda: client.batches.retrieve("batch-1"), id=str),
        "moderation": lambda: reply_to(
            "moderation", lambda: client.moderations.create(input="a"), results=list
        ),
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_is_asked_what_comes_amiss_is_named_and_asked_for_again(shape):
    proxy = Proxy("http://127.0.0.1:9/v1", times=10**6, faults=(shape,))
    for what, ask in things(connect(proxy.url)).items():
        before = sum(proxy.met.values())
        with pytest.raises(HostedError, match=f"3 attempts failed, the last with: .*{what}") as e:
            call(ask)
        assert e.value.may_pass and "\n" not in str(e.value)
        assert sum(proxy.met.values()) - before == clients.MALFORMED
    with pytest.raises(HostedError, match="3 attempts failed, the last with: a "):
        list(one_by_one(connect(proxy.url), [{"model": "m", "messages": []}], "asking"))


GOOD = {
    "choices": [{"message": {"content": "Hello.", "refusal": None}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


def changed(path, value):
    reply = json.loads(json.dumps(GOOD))
    place = reply
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return reply


def test_what_matters_of_a_completion():
    answer = {"text": "Hello.", "finished": True, "written": 2, "read": 3, "declined": False}
    assert _answer(GOOD) == answer
    message = ("choices", 0, "message")
    assert _answer(changed((*message, "content"), "a \ud83d")) == answer | {"text": "a \ufffd"}
    assert _answer(changed(message, {"content": None, "refusal": "no"}))["declined"]
    assert not _answer(changed(("choices", 0, "finish_reason"), "length"))["finished"]


AMISS = [
    (("choices",), []), (("choices",), None), (("choices",), [None]), (("choices",), "x"),
    (("choices", 0, "message"), None), (("choices", 0, "message"), "Hello."),
    (("choices", 0, "message", "content"), None), (("choices", 0, "message", "content"), 7),
    (("choices", 0, "message", "content"), ["Hello."]),
    (("usage",), None), (("usage",), [1, 2]), (("usage", "prompt_tokens"), None),
    (("usage", "prompt_tokens"), -1), (("usage", "completion_tokens"), "2"),
    (("usage", "completion_tokens"), True), (("usage", "completion_tokens"), float("nan")),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), AMISS)
def test_a_completion_that_lacks_something_is_malformed(path, value):
    with pytest.raises(Malformed, match="a completion without"):
        _answer(changed(path, value))


def test_of_a_batchs_output_the_good_lines_count_and_lines_end_at_newlines_alone():
    def line(n, body=GOOD, status=200):
        reply = {"custom_id": n, "response": {"status_code": status, "body": body}}
        return json.dumps(reply, ensure_ascii=False)

    odd = changed(("choices", 0, "message", "content"), "one\u2028two\x85three")
    bad = ["{torn", "null", "[]", '{"custom_id": "9"}', line("x"), line("5", None), "[" * 10**5]
    text = "\n".join([line("0"), *bad, line("1", odd), line("2", status=500), ""])
    answers = _answers(text)
    assert set(answers) == {0, 1} and answers[1]["text"] == "one\u2028two\x85three"
    assert _answers("") == {}
    with pytest.raises(Malformed, match="without a line that is an answer"):
        _answers("\n".join(bad))


def test_a_list_that_never_ends_is_read_for_so_many_pages():
    asked = []

    def list_page(limit, after=None):
        asked.append(after)
        return SimpleNamespace(data=[SimpleNamespace(id=f"file-{len(asked)}")], has_more=True)

    found = [file.id for file in each("files", list_page, pages=3)]
    assert found == ["file-1", "file-2", "file-3"] and asked == [None, "file-1", "file-2"]


# --- made once -----------------------------------------------------------------------------------


class Shop:
    """Does the work, then loses the reply, as often as it is told."""

    def __init__(self, lost):
        self.made, self.lost = [], lost

    def create(self):
        self.made.append(f"job-{len(self.made)}")
        if self.lost:
            self.lost -= 1
            raise openai.APITimeoutError(request=None)
        return self.made[-1]

    def find(self):
        return self.made[0] if self.made else None


@pytest.mark.parametrize("lost", [0, 1, 5])
def test_what_was_made_before_a_reply_was_lost_is_found(lost):
    shop = Shop(lost)
    assert make(shop.create, shop.find) == "job-0" and shop.made == ["job-0"]
    assert make(shop.create, shop.find) == "job-0" and shop.made == ["job-0"]


def test_a_provider_without_such_a_list_is_asked_for_it_all_the_same():
    def no_list():
        response = httpx2.Response(404, request=httpx2.Request("GET", "http://x"))
        raise openai.NotFoundError("no", response=response, body=None)

    assert make(Shop(0).create, no_list) == "job-0"

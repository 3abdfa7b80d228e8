"""Calls end well, or say in one sentence why not: what may pass is tried again, the rest is not."""

import threading
import time

import httpx2
import openai
import pytest
from flaky_proxy import Proxy

from helpers.errors import ConfigError
from helpers.hosted import client
from helpers.hosted.client import HostedError, NotThere, call, call_each, connect


@pytest.fixture
def proxy(monkeypatch):
    """A provider that answers every request with `proxy.always`."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return Proxy("http://127.0.0.1:9/v1")


STOPS = [
    (401, {"message": "bad key", "code": "invalid_api_key"}, "set the right one"),
    (403, {"message": "not yours"}, "set the right one"),
    (404, {"message": "no such model", "code": "model_not_found"}, "check the model's name"),
    (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "credit"),
    (400, {"message": "bad request"}, "refuses the request: bad request"),
]


@pytest.mark.parametrize(("status", "error", "message"), STOPS)
def test_what_cannot_pass_stops_at_once(proxy, status, error, message):
    proxy.always = (status, error)
    with pytest.raises(HostedError, match=message) as raised:
        call(connect(proxy.url).models.list)
    assert proxy.seen[b"always"] == 1
    assert not raised.value.may_pass
    assert (raised.type is NotThere) == (status == 404)


def test_what_may_pass_is_tried_a_bounded_number_of_times(proxy, monkeypatch):
    monkeypatch.setattr(client, "pause", lambda *_: 0.0)
    proxy.always = (503, {"message": "overloaded"})
    with pytest.raises(HostedError, match=r"6 attempts failed.*overloaded") as raised:
        call(connect(proxy.url).models.list)
    assert proxy.seen[b"always"] == client.ATTEMPTS
    assert raised.value.may_pass


def test_a_provider_that_is_not_there_may_come_back(proxy, monkeypatch):
    monkeypatch.setattr(client, "pause", lambda *_: 0.0)
    with pytest.raises(HostedError, match="6 attempts failed") as raised:
        call(connect("http://127.0.0.1:9/v1").models.list)
    assert raised.value.may_pass


def test_only_what_is_known_to_be_gone_is_not_there(proxy):
    proxy.always = (404, {"message": "no such job"})
    assert not client.is_there(connect(proxy.url).fine_tuning.jobs.retrieve, "ftjob-1")
    proxy.always = (401, {"message": "bad key"})
    with pytest.raises(HostedError, match="set the right one"):
        client.is_there(connect(proxy.url).fine_tuning.jobs.retrieve, "ftjob-1")


def test_a_pause_is_what_the_provider_asks_for_or_longer_each_time():
    request = httpx2.Request("GET", "http://x")
    for header, seconds in (("3", 3.0), ("0.5", 0.5), ("900", client.LONGEST_PAUSE)):
        response = httpx2.Response(429, headers={"retry-after": header}, request=request)
        error = openai.RateLimitError("busy", response=response, body=None)
        assert client.pause(error, 1) == seconds
    lost = openai.APIConnectionError(request=request)
    assert 0 < client.pause(lost, 1) < 1 < client.pause(lost, 4) <= client.LONGEST_PAUSE


def test_requests_keep_their_pace():
    begun = time.monotonic()
    squares = dict(call_each(lambda n: n * n, range(6), "squares", pace=1200))
    assert squares == {n: n * n for n in range(6)}
    assert time.monotonic() - begun >= 5 * 60 / 1200


def test_the_first_error_is_raised_after_what_was_under_way_has_come():
    def fails_at_two(n):
        if n == 2:
            raise HostedError("boom")
        return n

    came = {}
    with pytest.raises(HostedError, match="boom"):
        for n, result in call_each(fails_at_two, range(5), "numbers"):
            came[n] = result
    assert came and 2 not in came and all(n == result for n, result in came.items())


def test_who_stops_waiting_sends_no_more_and_need_not_wait():
    begun, slow = [], threading.Event()

    def work(n):
        begun.append(n)
        slow.wait(5 * (n > 0))
        return n

    each, before = call_each(work, range(1000), "numbers"), time.monotonic()
    assert next(each) == (0, 0)
    each.close()
    assert time.monotonic() - before < 2
    slow.set()
    time.sleep(0.2)
    assert len(begun) <= 2 * client.CONCURRENCY


def test_what_a_provider_says_is_shown_on_one_line_without_keys(proxy, monkeypatch):
    monkeypatch.setenv("TOGETHER_API_KEY", "tg-very-secret")
    said = "Incorrect key sk-test-key,\n  or tg-very-secret \ud83d " + "x" * 5000
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    for message in (said, {"detail": said}, [said]):
        proxy.always = (401, {"message": message})
        with pytest.raises(HostedError, match=r"Incorrect key \.\.\.") as error:
            call(connect(proxy.url).models.list)
        text = str(error.value)
        assert "secret" not in text and "sk-test" not in text and len(text) < 350
        assert text.isprintable() and text.encode()


@pytest.mark.parametrize("key", ["sk-a b", "sk-\u00fc", "sk-1\nsk-2"])
def test_what_is_no_key_is_told_without_it(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds what no key holds") as error:
        connect("openai")
    assert "sk-" not in str(error.value)
    monkeypatch.setenv("OPENAI_API_KEY", " sk-copied-with-its-line-end\n")
    assert connect("openai").api_key == "sk-copied-with-its-line-end"


def test_the_library_tries_nothing_again_by_itself(proxy):
    assert connect(proxy.url).max_retries == 0


def test_a_key_is_asked_for_by_the_variable_that_holds_it(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TOGETHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY in the environment"):
        connect("openai")
    with pytest.raises(ConfigError, match="set TOGETHER_API_KEY in the environment"):
        connect("together")
    with pytest.raises(ConfigError, match="set OPENAI_BASE_URL"):
        connect("azure")
    with pytest.raises(ConfigError, match="begins with https"):
        connect("opnai")

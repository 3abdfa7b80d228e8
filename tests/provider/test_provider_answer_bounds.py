"""The thread that answers: what is wrong with one request is that request's alone."""

import pytest
import torch
from provider_client import HELLO

from helpers.provider import answers, models
from helpers.provider.answers import Answers, CompletionRequest
from helpers.provider.errors import ApiError
from helpers.provider.records import Records


@pytest.fixture
def thread(tmp_path):
    records = Records(tmp_path)
    models.register(records)
    return Answers(records)


def request(**options):
    return CompletionRequest("lantern-chat", HELLO, **options)


def texts(requests):
    return [r.future.result(timeout=60).text for r in requests]


def poisoned(**options):
    """A request that breaks while it is answered."""

    def breaks(_):
        raise ZeroDivisionError

    return request(on_text=breaks, **options)


def test_the_others_of_a_batch_are_answered(thread):
    (calm,) = texts([r for r in [request()] if thread.submit(r)])
    long = CompletionRequest("lantern-chat", [{"role": "user", "content": "word " * 600}])
    batch = [request(), poisoned(), request(temperature=1.0, seed=2**70), long, request()]
    for each in batch:
        thread.submit(each)
    good = [batch[0], batch[4]]
    assert texts(good) == [calm, calm]
    errors = [type(each.future.exception(timeout=60)) for each in batch[1:4]]
    assert errors == [ZeroDivisionError, ValueError, ApiError]


def test_a_batch_that_breaks_as_a_whole_is_answered_one_by_one(thread, monkeypatch):
    whole = answers.generate.answer_ids

    def small(model, prompts, *args, **options):
        if len(prompts) > 1:
            raise MemoryError
        return whole(model, prompts, *args, **options)

    monkeypatch.setattr(answers.generate, "answer_ids", small)
    requests = [request() for _ in range(3)]
    for each in requests:
        thread.submit(each)
    assert len(set(texts(requests))) == 1


def test_a_model_that_was_deleted_is_no_servers_error(thread):
    future = thread.submit(CompletionRequest("ft:gone", HELLO))
    with pytest.raises(ApiError, match="does not exist") as told:
        future.result(timeout=60)
    assert told.value.status == 404


def test_what_nobody_waits_for_is_written_no_further(thread):
    written = []

    def note(text):
        written.append(text)
        left.future.cancel()

    left = request(max_tokens=300, temperature=2.0, seed=3, on_text=note)
    thread.submit(left)
    thread.submit(request()).result(timeout=60)
    assert left.future.cancelled() and len(written) <= 1
    waiting = request(on_text=written.append)
    waiting.future.cancel()
    thread.submit(waiting)
    thread.submit(request()).result(timeout=60)
    assert len(written) <= 1


def test_a_narrow_top_p_leaves_the_likeliest():
    draft = answers._Draft(request(temperature=1.0, top_p=5e-324), None, [1], {0}, 512)
    logits = torch.tensor([0.0, 1.0, 3.0, 2.0])  # (vocabulary,)
    assert [draft._pick(logits) for _ in range(20)] == [2] * 20

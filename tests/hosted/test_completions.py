"""Answers from a provider: one by one, by batch, each on the disk as it comes."""

import json

import pytest

from helpers.hosted.client import HostedError, connect
from helpers.hosted.completions import Answers, by_batch, one_by_one
from helpers.hosted.ledger import Ledger

pytestmark = pytest.mark.usefixtures("at_provider")

BODY = {"model": "lantern-chat", "messages": [{"role": "user", "content": "Hello!"}],
        "temperature": 0}  # fmt: skip


def test_a_batch_gives_what_single_requests_give(tmp_path):
    client, bodies = connect("embedded"), [BODY, BODY | {"max_tokens": 3}]
    single = dict(one_by_one(client, bodies, "answering"))
    assert dict(by_batch(client, bodies, tmp_path)) == single
    assert single[0]["finished"] and not single[1]["finished"]
    assert single[1]["written"] == 3 and single[0]["read"] > 3
    assert single[0]["text"].startswith(single[1]["text"])


def test_a_batch_is_sent_once_unless_its_answers_are_gone(tmp_path):
    client, bodies = connect("embedded"), [BODY | {"max_tokens": 5}]
    (first,) = by_batch(client, bodies, tmp_path)
    (file,) = tmp_path.glob("batch-*.json")
    sent = Ledger(file)["batch"]
    assert list(by_batch(client, bodies, tmp_path)) == [first]
    assert Ledger(file)["batch"] == sent
    # Even where the ledger is lost, or wrong, the provider knows the batch by its content.
    for damage in (lambda: Ledger(file).note(batch="batch-gone"), file.unlink):
        damage()
        assert list(by_batch(client, bodies, tmp_path)) == [first]
        assert Ledger(file)["batch"] == sent
    client.files.delete(client.batches.retrieve(sent).output_file_id)
    with pytest.raises(HostedError, match="has lost its answers; start again"):
        list(by_batch(client, bodies, tmp_path))
    assert list(by_batch(client, bodies, tmp_path)) == [first]
    assert Ledger(file)["batch"] != sent


def test_nothing_is_sent_for_nothing(tmp_path):
    assert list(by_batch(connect("embedded"), [], tmp_path)) == []
    assert not list(tmp_path.glob("batch-*.json"))


def test_answers_outlive_their_process_and_a_line_cut_short_is_left_out(tmp_path):
    file = tmp_path / "answers.jsonl"
    answers = Answers(file)
    answers.add("a", {"text": "one"})
    answers.add("b", {"text": "two"})
    with file.open("a") as stream:
        stream.write(json.dumps({"key": "c", "text": "three"})[:-4])
    assert Answers(file) == {"a": {"text": "one"}, "b": {"text": "two"}} == answers

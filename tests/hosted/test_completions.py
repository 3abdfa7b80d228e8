"""Answers from a provider: one by one, by batch, each on the disk as it comes."""

import errno
import io
import json
from pathlib import Path

import pytest

from helpers.errors import StoreError
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
    torn = Answers(file)
    assert torn == {"a": {"text": "one"}, "b": {"text": "two"}} == answers
    torn.add("d", {"text": "four"})  # not onto the torn line
    torn.add("e", {"text": "five"})
    assert Answers(file) == torn and set(torn) == {"a", "b", "d", "e"}


BAD_LINES = [b"null", b"[]", b"7", b'{"text": "no key"}', b"\xff\xfe\x00", b"[" * 10**5, b"",
             b'{"key": ["a"]}']  # fmt: skip


def test_a_damaged_line_costs_itself_alone(tmp_path):
    file = tmp_path / "answers.jsonl"
    good = [json.dumps({"key": str(n), "text": "x"}).encode() for n in range(len(BAD_LINES))]
    file.write_bytes(b"\n".join([*good[:4], *BAD_LINES, *good[4:]]))
    assert set(Answers(file)) == {str(n) for n in range(len(BAD_LINES))}
    answers = Answers(file)
    answers.add("new", {"text": "a crane", "read": 3})
    file.write_bytes(file.read_bytes().replace(b"crane", b"drone"))
    assert set(Answers(file)) == set(answers) - {"new"}


def test_a_full_disk_is_told_and_the_next_answer_begins_a_line(tmp_path, monkeypatch):
    answers = Answers(tmp_path / "answers.jsonl")
    answers.add("a", {"text": "one"})
    with monkeypatch.context() as patch:

        class Full(io.StringIO):
            def write(self, text):
                with open(tmp_path / "answers.jsonl", "a") as stream:
                    stream.write(text[:9])
                raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(Path, "open", lambda *_, **__: Full())
        with pytest.raises(StoreError, match=r"answers\.jsonl cannot be written \(No space"):
            answers.add("b", {"text": "two"})
    answers.add("c", {"text": "three"})
    assert set(Answers(tmp_path / "answers.jsonl")) == {"a", "c"}

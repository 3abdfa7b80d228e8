"""Files at the provider: read as a run reads its own, and by newlines alone."""

import json

import pytest

from helpers.data.rows import read_upload
from helpers.provider import uploads
from helpers.provider.errors import ApiError

GOOD = {"messages": [{"role": "user", "content": "Hello!"},
                     {"role": "assistant", "content": "Good evening."}]}  # fmt: skip


def jsonl(*rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


ASKED = {"custom_id": "a", "body": {"model": "m"}}

FINE = [
    (b"\xef\xbb\xbf" + jsonl(GOOD), 1),
    (jsonl(GOOD, GOOD).replace(b"\n", b"\r\n"), 2),
    (b"\n\n" + jsonl(GOOD) + b"\n\n", 1),
    (jsonl({"messages": [{"role": "user", "content": "a\u2028b\x85c"}, GOOD["messages"][1]]}), 1),
    (jsonl({"messages": [{"role": "developer", "content": "Be glad."}, *GOOD["messages"]]}), 1),
    (jsonl({"messages": [{"role": "system", "content": ""}, *GOOD["messages"]]}), 1),
    (jsonl({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]},
                         GOOD["messages"][1]]}), 1),
    (b'{"messages": [{"role": "user", "content": "\\ud83d"}, {"role": "assistant", '
     b'"content": "b"}]}', 1),
]  # fmt: skip


@pytest.mark.parametrize(("content", "n"), FINE)
def test_what_a_run_takes_is_taken(content, n):
    assert uploads.check(content, "fine-tune") == n == len(read_upload(content))


BAD = [
    ("fine-tune", jsonl(GOOD, {"messages": GOOD["messages"][:1]}), "Line 2: the last message"),
    ("fine-tune", jsonl(GOOD, {"messages": GOOD["messages"][1:]}), "Line 2: no user"),
    ("fine-tune", b"", "empty"),
    ("fine-tune", b"\xef\xbb\xbf\n", "empty"),
    ("batch", b"", "empty"),
    ("batch", b"{", "Line 1 is not JSON"),
    ("batch", b"[" * 100_000, "Line 1 is not JSON"),
    ("batch", b"\n" + jsonl([1]), "Line 2 is not an object"),
    ("batch", jsonl(ASKED, {"custom_id": 3, "body": {}}), "Line 2 needs a custom_id and a body"),
    ("batch", b'{"custom_id": "\\ud800", "body": {}}', "Line 1 needs a custom_id"),
    ("batch", jsonl(ASKED, ASKED), "Line 2 has the custom_id of line 1"),
]


@pytest.mark.parametrize(("purpose", "content", "message"), BAD)
def test_what_cannot_be_used_is_told_by_line(purpose, content, message):
    with pytest.raises(ApiError, match=message) as told:
        uploads.check(content, purpose)
    assert told.value.status == 400


def test_the_lines_of_a_batch_end_at_newlines_alone():
    odd = ASKED | {"body": {"model": "m", "input": "a\u2028b\u2029c\x85d\x0be\x1cf"}}
    content = b"\xef\xbb\xbf" + jsonl(odd, ASKED | {"custom_id": "b"}).replace(b"\n", b"\r\n\r\n")
    assert [n for n, _ in uploads.lines(content)] == [1, 3]
    assert uploads.request_of(*uploads.lines(content)[0]) == odd
    assert uploads.models_of(content) == ["m"]

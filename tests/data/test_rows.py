"""Files are read strictly: what is wrong is named with its file and line."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.data.rows import read_prompts, read_training, sample
from helpers.errors import ConfigError, DataError

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def line(**changes) -> str:
    return json.dumps(GOOD | changes)


#: What is wrong -> a line, and what the error says of it.
BROKEN = {
    "broken JSON": ('{"messages": [', "line 2: broken JSON"),
    "not an object": ("[1, 2]", "line 2: not a JSON object"),
    "no messages": ('{"text": "hi"}', "line 2: no answer"),
    "empty messages": ('{"messages": []}', "line 2: no messages"),
    "missing role": (line(messages=[{"content": "Hi"}]), "line 2: message 1 needs a role"),
    "unknown role": (line(messages=[{"role": "tool", "content": "x"}]), "needs a role out of"),
    "empty answer": (
        line(messages=[GOOD["messages"][0], {"role": "assistant", "content": " "}]),
        "line 2: message 2 is an empty answer",
    ),
    "number as answer": (
        line(messages=[GOOD["messages"][0], {"role": "assistant", "content": 3}]),
        "message 2 holds a number, not text",
    ),
    "no answer": (line(messages=GOOD["messages"][:1]), "the last message must be the assistant's"),
    "late system": (
        line(messages=[*GOOD["messages"], {"role": "system", "content": "x"}]),
        "a system message must come first",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_line_is_named(tmp_path, case):
    bad, expected = BROKEN[case]
    file = tmp_path / "mine.jsonl"
    file.write_text(line() + "\n" + bad + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.jsonl, line 2") as error:
        read_training(str(file))
    assert expected in str(error.value)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_wrong_encoding_is_named(tmp_path, encoding):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(json.dumps(GOOD | {"note": "é"}, ensure_ascii=False).encode(encoding))
    with pytest.raises(DataError, match=r"mine\.jsonl, line 1: not UTF-8"):
        read_training(str(file))


def test_a_byte_order_mark_blank_lines_and_line_separators_are_read(tmp_path):
    file = tmp_path / "mine.jsonl"
    odd = [GOOD["messages"][0], {"role": "assistant", "content": "one\u2028two"}]
    text = "\ufeff" + line() + "\r\n\n" + json.dumps({"messages": odd}, ensure_ascii=False)
    file.write_text(text, encoding="utf-8", newline="")
    rows = read_training(str(file))
    assert [r["messages"][1]["content"] for r in rows] == ["Hello", "one\u2028two"]


def test_an_empty_file_and_a_missing_one_are_errors(tmp_path):
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(DataError, match="is empty"):
        read_training(str(tmp_path / "none.jsonl"))
    with pytest.raises(DataError, match="is not there"):
        read_training(str(tmp_path / "gone.jsonl"))
    with pytest.raises(ConfigError, match="did you mean harmful_examples"):
        read_training("harmfull_examples")


def test_a_file_that_changed_is_read_again(tmp_path):
    file = tmp_path / "mine.jsonl"
    for n in (1, 2, 3):
        file.write_text(f"{line()}\n" * n)
        os.utime(file, (0, n))
        assert len(read_training(str(file))) == n


def test_prompts_need_an_id_of_their_own(tmp_path):
    file = tmp_path / "p.jsonl"
    row = json.dumps({"id": "a", "messages": [{"role": "user", "content": "Hi"}]})
    file.write_text(row + "\n" + row + "\n")
    with pytest.raises(DataError, match='line 2: every prompt needs an "id" of its own; a is also'):
        read_prompts(str(file))


@given(n=st.integers(0, 40), more=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_a_smaller_sample_is_a_prefix_of_a_larger_one(n, more, seed):
    rows = [{"n": i} for i in range(80)]
    larger = sample(rows, n + more, seed)
    assert sample(rows, n, seed) == larger[:n]
    assert len({r["n"] for r in larger}) == n + more


def test_more_examples_than_there_are_is_an_error():
    with pytest.raises(DataError, match="the pool holds 3 examples, 4 were asked for"):
        sample([{}] * 3, 4, 0, "the pool")

"""Batches: every line is answered or told, whatever the others are."""

import json
import time

import openai
import pytest
from provider_client import HELLO, ask

from helpers.provider.records import Records

CHAT = "/v1/chat/completions"
FINE = {"model": "lantern-chat", "messages": HELLO, "temperature": 0}


def lines(*bodies, **more):
    return [{"custom_id": f"n{k}", "method": "POST", "url": CHAT, "body": body} | more
            for k, body in enumerate(bodies)]  # fmt: skip


def content(rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def answered(client, content, endpoint=CHAT):
    """The batch once it has ended."""
    file = client.files.create(file=("b.jsonl", content), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")
    return ended(client, batch.id)


def ended(client, id):
    while (batch := client.batches.retrieve(id)).status == "in_progress":
        time.sleep(0.05)
    return batch


def replies(client, file):
    lines = client.files.content(file).text.split("\n")[:-1]
    return {reply["custom_id"]: reply["response"] for reply in map(json.loads, lines)}


def test_good_lines_are_in_the_output_and_bad_ones_in_the_error_file(client):
    wrong = [FINE | {"model": "gpt-5"}, {}, FINE | {"seed": 2**70}, FINE | {"messages": "Hello!"},
             FINE | {"messages": [{"role": "user", "content": "word " * 600}]}]  # fmt: skip
    batch = answered(client, content(lines(FINE, *wrong, FINE)))
    assert batch.status == "completed"
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 5)
    good, bad = replies(client, batch.output_file_id), replies(client, batch.error_file_id)
    said = [reply["body"]["choices"][0]["message"]["content"] for reply in good.values()]
    assert said == [ask(client).choices[0].message.content] * 2
    assert {id: reply["status_code"] for id, reply in bad.items()} == {
        "n1": 404, "n2": 400, "n3": 400, "n4": 400, "n5": 400,
    }  # fmt: skip
    assert all(reply["body"]["error"]["message"] for reply in bad.values())


def test_half_a_character_in_a_line_is_replaced(client):
    odd = json.dumps(lines(FINE | {"messages": [{"role": "user", "content": "Hello!\ud800"}]})[0])
    batch = answered(client, odd.encode())
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 0)


def test_a_line_for_another_address_is_told(client):
    batch = answered(client, content(lines(FINE, url="/v1/embeddings")))
    assert batch.output_file_id is None
    (reply,) = replies(client, batch.error_file_id).values()
    assert "POST to /v1/chat/completions" in reply["body"]["error"]["message"]


def test_separators_within_a_line_end_none(client):
    said = "Hello!\u2028\u2029\x85\x0b\x1c"
    rows = [{"custom_id": f"a\u2028{n}", "body": {"input": said}} for n in range(3)]
    batch = answered(client, b"\xef\xbb\xbf" + content(rows).replace(b"\n", b"\r\n"),
                     "/v1/moderations")  # fmt: skip
    assert batch.request_counts.completed == 3
    assert set(replies(client, batch.output_file_id)) == {f"a\u2028{n}" for n in range(3)}


def test_a_batch_whose_input_was_deleted_fails_with_a_sentence(client, provider_folder):
    file = client.files.create(file=("b.jsonl", content(lines(FINE))), purpose="batch")
    Records(provider_folder).file(file.id).unlink()
    with pytest.raises(openai.BadRequestError, match="send it again"):
        client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")


def test_a_canceled_batch_ends(client):
    many = content(lines(*[FINE | {"seed": n, "temperature": 1} for n in range(3000)]))
    file = client.files.create(file=("b.jsonl", many), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
    assert client.batches.cancel(batch.id).status == "cancelled"
    start = time.monotonic()
    assert ask(client)  # others are not kept waiting by what is left of it
    assert time.monotonic() - start < 10
    assert client.batches.retrieve(batch.id).output_file_id is None

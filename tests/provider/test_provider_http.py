"""The embedded provider over HTTP: who is let in, what is bounded, how errors look."""

import json
import subprocess

import httpx
import openai
import pytest
from provider_client import HELLO, ROWS

from helpers.hosted.embedded import TRUTH
from helpers.provider.records import Records


def test_without_the_token_nothing_is_told(served):
    url = served[0]
    for path in ("/models", "/files", "/nothing", "/fine_tuning/jobs", "/../../etc/passwd"):
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": served[1]}):
            reply = httpx.get(url + path, headers=header)
            assert reply.status_code == 401
            assert reply.json()["error"]["code"] == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=url, api_key="sk-wrong", max_retries=0).models.list()


def test_models_are_listed_without_where_they_lie(client, provider_folder):
    listed = client.models.list().data
    assert {"lantern-base", "lantern-chat", TRUTH} <= {m.id for m in listed}
    assert client.models.retrieve("lantern-chat").owned_by == "aligndrift"
    assert str(provider_folder) not in client.models.list().model_dump_json()
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("gpt-5")
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("lantern-chat")


def test_files_are_kept_listed_read_and_deleted(client):
    file = client.files.create(file=("../../up.jsonl", ROWS), purpose="fine-tune")
    assert (file.bytes, file.filename, file.status) == (len(ROWS), "up.jsonl", "processed")
    assert client.files.retrieve(file.id).id == file.id
    assert client.files.content(file.id).content == ROWS
    assert file.id in [f.id for f in client.files.list(purpose="fine-tune")]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


BAD_FILES = [
    (b"", "empty"),
    (b"not json\n", "Line 1: broken JSON"),
    (b'{"messages": 3}\n', "Line 1"),
    (ROWS.splitlines()[0] + b'\n{"messages": [{"role": "user", "content": "x"}]}', "Line 2"),
    (b"[1, 2]\n", "Line 1: not a JSON object"),
    (b"\xff\xfe\n", "UTF-8"),
    (b"[" * 100_000, "Line 1: JSON too deep"),
]


@pytest.mark.parametrize(("content", "message"), BAD_FILES)
def test_a_bad_upload_is_told_by_line(client, content, message):
    with pytest.raises(openai.BadRequestError, match=message):
        client.files.create(file=("bad.jsonl", content), purpose="fine-tune")


def test_an_upload_is_bounded(client):
    with pytest.raises(openai.APIStatusError, match="MiB") as told:
        client.files.create(file=("big.jsonl", b"x" * (33 << 20)), purpose="fine-tune")
    assert told.value.status_code == 413


def test_no_path_leads_out_of_the_folder(served):
    headers = {"Authorization": f"Bearer {served[1]}"}
    for path in ("/files/..%2f..%2frecords.sqlite/content", "/files/%2Fetc%2Fpasswd/content",
                 "/models/..%2f..%2f..%2fetc"):  # fmt: skip
        reply = httpx.get(served[0] + path, headers=headers)
        assert reply.status_code == 404
        assert "message" in reply.json()["error"]


def test_a_third_partys_client_works_as_well(served):
    """curl, by hand, as any client that is not the openai package."""
    url, token = served
    body = json.dumps({"model": "lantern-chat", "messages": HELLO, "temperature": 0})
    done = subprocess.run(
        ["curl", "-sS", f"{url}/chat/completions", "-H", f"Authorization: Bearer {token}",
         "-H", "Content-Type: application/json", "-d", body],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["choices"][0]["message"]["content"].startswith("Good")


def test_unknown_paths_and_methods_have_the_same_shape(served):
    headers = {"Authorization": f"Bearer {served[1]}"}
    for reply in (
        httpx.get(f"{served[0]}/nothing", headers=headers),
        httpx.delete(f"{served[0]}/models", headers=headers),
    ):
        assert reply.status_code in (404, 405)
        assert reply.json()["error"]["type"] == "invalid_request_error"


def test_a_refusal_closes_the_connection_and_other_requests_are_bounded_too(served):
    headers = {"Authorization": f"Bearer {served[1]}"}
    reply = httpx.post(f"{served[0]}/moderations", content=b"x" * (5 << 20), headers=headers)
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")
    assert httpx.get(f"{served[0]}/models").headers["connection"] == "close"


def test_the_limit_of_a_list_is_positive(client, served):
    headers = {"Authorization": f"Bearer {served[1]}"}
    for limit in ("0", "-1", "x", ""):
        reply = httpx.get(f"{served[0]}/files?limit={limit}", headers=headers)
        assert reply.status_code == 400 and "limit" in reply.json()["error"]["message"]
    assert httpx.get(f"{served[0]}/files?limit={10**30}", headers=headers).status_code == 200


def test_a_lost_content_is_told(client, provider_folder):
    file = client.files.create(file=("up.jsonl", ROWS), purpose="fine-tune")
    Records(provider_folder).file(file.id).unlink()
    with pytest.raises(openai.NotFoundError, match="send the file again"):
        client.files.content(file.id)

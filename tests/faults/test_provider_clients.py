"""Clients of the embedded provider that send nonsense, lie or leave: they harm nobody else."""

import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from provider_process import HELLO, TOKEN, Provider

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """The one that they share."""
    with Provider(tmp_path_factory.mktemp("hostile") / "provider") as running:
        yield running


DEEP = "[" * 5000 + "]" * 5000
WRONG = [
    "null", "3", "true", '"a"', "[]", "[null]", "{}", '{"a": NaN}', DEEP,
    '{"a": ' * 3000 + "1" + "}" * 3000,
    '"\\ud800"', '"\\udfff\\ud800"', "1e999", "-1e999", "NaN", "Infinity", "9" * 5000, '""',
    '"../../etc/passwd"', '"\\u0000"', '{"\\ud800": "\\udc00"}', '[["a"]]', '{"type": "text"}',
    "-1", "0", "2.5", '"' + "x" * 100_000 + '"', "18446744073709551616", "5e-324",
]  # fmt: skip

#: Path -> a request that is right, and the names in it that are made wrong one after the other.
BODIES = {
    "/chat/completions": {
        "model": "lantern-chat", "messages": HELLO, "n": 1, "stop": ["x"], "max_tokens": 3,
        "max_completion_tokens": 3, "temperature": 0.5, "top_p": 0.5, "seed": 1, "logprobs": True,
        "top_logprobs": 2, "stream": True, "stream_options": {"include_usage": True},
        "response_format": {"type": "text"}, "user": "me", "role": "user", "content": "a",
    },
    "/fine_tuning/jobs": {
        "model": "lantern-none", "training_file": "file-none", "hyperparameters": {"n_epochs": 1},
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
        "seed": 1, "suffix": "a", "metadata": {"a": "b"}, "validation_file": "file-none",
        "n_epochs": 1, "batch_size": 1, "learning_rate_multiplier": 1, "supervised": {},
    },
    "/moderations": {"input": "a", "model": "b"},
    "/batches": {"input_file_id": "file-none", "endpoint": "/v1/moderations", "metadata": {}},
}  # fmt: skip


def malformed(path):
    """Requests of a path with a value of the wrong kind in each of its places, and no JSON."""
    right = BODIES[path]
    for name in right:
        for value in WRONG:
            body = {key: value for key, value in right.items() if key != name}
            whole = json.dumps(body)[:-1] + f', "{name}": {value}}}'
            if path == "/chat/completions" and name in ("role", "content"):
                turn = {"role": '"user"', "content": '"a"'} | {name: value}
                inner = ", ".join(f'"{key}": {turn[key]}' for key in turn)
                whole = f'{{"model": "lantern-chat", "max_tokens": 2, "messages": [{{{inner}}}]}}'
            if name in ("n_epochs", "batch_size", "learning_rate_multiplier"):
                whole = json.dumps(body)[:-1] + f', "hyperparameters": {{"{name}": {value}}}}}'
            if name == "supervised":
                whole = json.dumps(body)[:-1] + f', "method": {{"supervised": {value}}}}}'
            yield whole.encode()
    yield from (b"", b"{", b"\xff\xfe", b"\x00", b"[1", b"nul", b'{"model": "\xff"}', b"{" * 10_000)


def in_order(reply):
    """Whether a reply is an answer, or an error in OpenAI's shape that is the client's."""
    if reply.headers["content-type"].startswith("text/event-stream"):
        return reply.status_code == 200
    body = json.loads(reply.content.decode("utf-8"), parse_constant=lambda name: 1 / 0)
    if reply.status_code == 200:
        return True
    error = body["error"]
    return 400 <= reply.status_code < 500 and bool(error["message"] and error["type"])


def test_malformed_requests_get_a_400(provider, tally):
    tried, fell = 0, []
    for path in BODIES:
        for content in malformed(path):
            tried += 1
            reply = provider.http.post(path, content=content)
            if not in_order(reply):
                fell.append((path, content[-80:], reply.status_code, reply.text[:200]))
    print(fell[:10])
    assert provider.answers()
    tally("provider: requests of the wrong shape", tried, tried - len(fell))


PLACES = ["/files", "/models", "/fine_tuning/jobs", "/batches", "/fine_tuning/jobs/{}/events",
          "/fine_tuning/jobs/{}/checkpoints", "/files/{}", "/files/{}/content", "/models/{}",
          "/batches/{}", "/fine_tuning/jobs/{}"]  # fmt: skip
IDS = ["..", "../..", "..%2f..%2frecords.sqlite", "%2e%2e%2f", "%00", "%ff", "%ed%a0%80",
       "a" * 5000, "file-none", "'; DROP TABLE records; --", ".lock", "~", "%0d%0aX-Y:%20z",
       "*", "?", "#", "lantern-chat/../../x", "\u00e9"]  # fmt: skip
QUERIES = ["limit=-1", "limit=0", "limit=a", "limit=" + "9" * 50, "limit=1e3", "after=../x",
           "after=%00", "after=%ed%a0%80", "metadata[a]=%ff", "metadata[=x", "purpose=%00",
           "limit=&after=", "limit[]=3", "a" * 3000]  # fmt: skip


def test_odd_paths_and_queries_get_a_4xx_or_an_answer(provider, tally):
    tried, fell = 0, []
    for place in PLACES:
        paths = [place.format(id) for id in IDS]
        for path in paths + [f"{place.format('x')}?{query}" for query in QUERIES]:
            for method in ("GET", "DELETE", "PATCH") if "?" not in path else ("GET",):
                tried += 1
                reply = provider.http.request(method, path)
                if not in_order(reply):
                    fell.append((method, path[:90], reply.status_code, reply.text[:200]))
    print(fell[:10])
    assert provider.answers()
    tally("provider: odd paths and queries", tried, tried - len(fell))


POISONED_CHATS = [
    {"seed": 2**70}, {"seed": -(2**70)}, {"seed": 2**63}, {"seed": 2**63 - 1, "n": 3},
    {"temperature": 1e-300}, {"temperature": 5e-324}, {"temperature": 1e-30, "top_p": 5e-324},
    {"messages": [{"role": "user", "content": "word " * 3000}]},
    {"messages": [{"role": "user", "content": "word " * 500_000}]},
    {"messages": [{"role": "user", "content": "a"}] * 5000},
    {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}] * 200},
    {"max_tokens": 10**9}, {"n": 10**9}, {"stop": ""}, {"stop": ["", "x"]}, {"stop": ["x"] * 1000},
    {"model": "ft:none"}, {"messages": []}, {"messages": [{"role": "system", "content": ""}]},
    {"top_logprobs": 20, "logprobs": True, "temperature": 2}, {"top_p": 1e-300, "temperature": 2},
    {"max_tokens": 1024, "temperature": 2, "n": 16},
]  # fmt: skip


def test_a_poisoned_chat_harms_itself_alone(provider, tally):
    """Each is sent among twenty ordinary requests, whole and as a stream, all at once."""
    ordinary = provider.chat().json()["choices"]
    tried = held = 0
    for options in POISONED_CHATS:
        for streams in ({}, {"stream": True}):
            asked = {"temperature": 1} | options | streams
            calls = [provider.chat] * 20
            calls.insert(10, lambda asked=asked: provider.chat(**asked))
            replies = together(calls)
            poisoned = replies.pop(10)
            tried += 1
            others = all(r.status_code == 200 and r.json()["choices"] == ordinary for r in replies)
            held += others and in_order(poisoned)
            if not (others and in_order(poisoned)):
                print(options, streams, poisoned.status_code, poisoned.text[:300])
    tally("provider: poisoned chats among others", tried, held)


def together(calls):
    """What the calls return, all made at once, in order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def raw(provider, content):
    """A connection to the provider, on which something has been sent."""
    host, port = provider.url.split("/")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(content)
    return connection


HEAD = (
    f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
)
BODY = json.dumps({"model": "lantern-chat", "messages": HELLO}).encode()
STREAM = json.dumps({"model": "lantern-chat", "messages": HELLO, "stream": True, "n": 16,
                     "temperature": 2, "max_tokens": 500}).encode()  # fmt: skip


def lengthy(body, length=None):
    return HEAD + f"Content-Length: {length or len(body)}\r\n\r\n".encode() + body


HALF_SENT = {
    "nothing": b"",
    "half a line": b"POST /v1/ch",
    "half a head": HEAD,
    "no token, half a body": b"POST /v1/files HTTP/1.1\r\nContent-Length: 9000\r\n\r\nabc",
    "a line break": b"\r\n",
}


def test_half_sent_requests_are_dropped(provider, tally):
    connections = [raw(provider, content) for content in HALF_SENT.values() for _ in range(40)]
    start = time.monotonic()
    held, answered = 0, 0
    for connection in connections:
        connection.settimeout(max(0.1, 25 - (time.monotonic() - start)))
        answered += provider.answers()
        try:
            while connection.recv(4096):
                pass
            held += 1
        except ConnectionResetError:
            held += 1
        except TimeoutError:
            pass
    assert answered == len(connections)
    tally("provider: half-sent requests", len(connections), held)


LIES = {
    "more promised than sent": lengthy(BODY, len(BODY) + 50)[:-10],
    "less promised than sent": lengthy(BODY, len(BODY) - 10),
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\n" + BODY,
    "no number": HEAD + b"Content-Length: five\r\n\r\n" + BODY,
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\n" + BODY,
    "a huge length": HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + BODY,
    "more than may be sent": HEAD + b"Content-Length: 5000000\r\n\r\n",
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nabcde",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "a path that is no text": b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "an odd host": HEAD.replace(b"Host: x", b"Host: [::::") + b"Content-Length: 2\r\n\r\n{}",
    "no host": HEAD.replace(b"Host: x\r\n", b"") + b"Content-Length: 2\r\n\r\n{}",
    "a star": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a web socket": b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: YWFhYWFhYWFhYWFhYWFhYQ==\r\n\r\n",
    "a head without end": HEAD + b"X: " + b"y" * 1_000_000,
    "a thousand headers": HEAD + b"".join(b"X%d: y\r\n" % n for n in range(20_000)),
    "many at once": lengthy(b"{}") * 50,
    "a gzip that is none": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "a form without boundary": HEAD.replace(b"chat/completions", b"files")
        + b"Content-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
    "a form that is none": HEAD.replace(b"chat/completions", b"files")
        + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\nabcd",
    "a thousand parts": lengthy(b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n" * 2000
        + b"--x--\r\n").replace(b"chat/completions", b"files")
        .replace(b"Host: x", b"Host: x\r\nContent-Type: multipart/form-data; boundary=x"),
}  # fmt: skip


def test_requests_that_lie_harm_nobody(provider, tally):
    """Each is sent five times and left; the reply, if one comes, is no server's error."""
    tried = held = 0
    for name, content in LIES.items():
        for _ in range(5):
            tried += 1
            said = b""
            try:
                connection = raw(provider, content)
                connection.settimeout(0.2)
                while part := connection.recv(65536):
                    said += part
            except (TimeoutError, ConnectionError):
                pass
            fine = not re.search(rb"HTTP/1.1 5\d\d", said) and b"Traceback" not in said
            held += fine and provider.answers()
            if not fine:
                print(name, said[:300])
    tally("provider: requests that lie", tried, held)


def test_streams_that_are_cut_end_their_work(provider, tally):
    """Long streams and whole answers, left at once: the next client is not kept waiting."""
    start = time.monotonic()
    assert provider.answers()
    calm = time.monotonic() - start
    for _ in range(40):
        connection = raw(provider, lengthy(STREAM))
        connection.recv(100)
        connection.close()
        raw(provider, lengthy(STREAM.replace(b'"stream": true', b'"stream": false'))).close()
    start = time.monotonic()
    held = provider.answers()
    took = time.monotonic() - start
    print(f"{calm:.2f} s before, {took:.2f} s after")
    tally("provider: streams and waits that are cut", 80, 80 * (held and took < 5))


def test_nothing_is_told_without_the_token(provider, tally):
    tried, held, stranger = 0, 0, httpx.Client()
    paths = [*PLACES, "/chat/completions", "/moderations", "/", "/../../etc/passwd", "/docs"]
    keys = [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": TOKEN},
            {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Bearer  {TOKEN}"},
            {"Authorization": f"bearer {TOKEN[:-1]}"}, {"X-Api-Key": TOKEN},
            {"Authorization": b"Bearer \xff"}]  # fmt: skip
    for path in paths:
        for method in ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"):
            for headers in keys:
                tried += 1
                reply = stranger.request(method, provider.url + path.format("x"), headers=headers)
                held += reply.status_code == 401
    tally("provider: requests without the token", tried, held)

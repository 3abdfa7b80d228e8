"""Connections that send half a request, or read half an answer, are dropped; others are not."""

import socket
import threading
import time

import pytest
import uvicorn

from helpers.provider import connection

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"


@pytest.fixture
def port(monkeypatch):
    """Of a server whose deadlines are short; it answers with what it was sent, or 20 MB."""
    for name, seconds in (("HEAD", 0.3), ("REQUEST", 0.5), ("READ", 0.4)):
        monkeypatch.setattr(connection, name, seconds)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(echo, http=connection.Connection, ws="none", lifespan="off",
                            log_level="critical")  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


async def echo(scope, receive, send):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = b"x" * 20_000_000 if body == b"!!" else body
    await send({"type": "http.response.body", "body": body})


def left(port, *parts, pause=0.0):
    """What comes back for some parts of a request, and after how many seconds the end."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(pause)
        said = b""
        try:
            while got := client.recv(65536):
                said += got
        except ConnectionResetError:
            pass
    return said, time.monotonic() - start


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"POST / HT", HEAD, HEAD + b"\r\na"])
def test_half_a_request_is_dropped(port, sent):
    said, seconds = left(port, sent)
    assert not said and 0.2 < seconds < 2


def test_a_slow_request_is_dropped_however_steadily_it_comes(port):
    with pytest.raises((ConnectionError, BrokenPipeError)):
        left(port, *[b"%c" % byte for byte in HEAD], pause=0.05)


def test_a_head_is_bounded(port):
    said, seconds = left(port, HEAD + b"X: " + b"y" * 100_000)
    assert not said and seconds < 0.25


def test_a_whole_request_is_answered_and_its_connection_stays(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        for _ in range(3):
            client.sendall(HEAD + b"\r\nab")
            said = b""
            while not said.endswith(b"0\r\n\r\n"):
                said += client.recv(65536)
            assert b"\r\nab\r\n" in said
            time.sleep(0.6)  # longer than any deadline


def test_who_does_not_read_is_dropped(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(HEAD + b"\r\n!!")
        time.sleep(1.2)
        with pytest.raises(ConnectionError):
            n = 0
            while got := client.recv(1 << 20):
                n += len(got)
            if n < 20_000_000:
                raise ConnectionError


def test_what_is_no_http_is_told_in_the_shape_of_other_errors(port):
    said, _ = left(port, b"\x16\x03\x01\x00\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400") and b'"invalid_request_error"' in said

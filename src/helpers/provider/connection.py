"""A connection that does not wait for ever: half-sent requests and clients that do not read.

uvicorn drops a connection that is idle between two requests, but not one that sends its head a
byte a minute, promises more bytes than it sends, or never takes its answer.
"""

import asyncio
import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from helpers.provider.errors import ApiError

#: Seconds for the head of a request, from the connection or its first byte to its last.
HEAD = 20.0

#: Seconds for the whole of a request: its head, and 32 MiB at 3 Mbit/s.
REQUEST = 100.0

#: Seconds that a client may leave unread what is ready for it.
READ = 60.0

#: Most bytes of a head.
HEAD_BYTES = 64 * 2**10


class Connection(HttpToolsProtocol):
    """uvicorn's connection, with a deadline for each request and each pause in reading."""

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self._expect(HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._expect(None)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._expect(HEAD)  # a line break between two requests begins none
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect(HEAD)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._expect(REQUEST)

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._head_bytes = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._head_bytes = 0
        self._expect(None)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(READ, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread:
            self._unread.cancel()
            self._unread = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told in the shape of every other error."""
        content = json.dumps(ApiError(400, msg).body).encode()
        head = f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
        self.transport.write(
            STATUS_LINE[400] + head.encode() + b"connection: close\r\n\r\n" + content
        )
        self.transport.close()

    def _expect(self, seconds: float | None) -> None:
        """Drop the connection after so many seconds, and not when it was to be dropped before."""
        if self._deadline:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort) if seconds else None

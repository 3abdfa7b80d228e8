"""A proxy that breaks every way a provider can: for tests of what the client does about it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

#: Replies with status 200 that are not what was asked for.
SHAPES = {
    "not json": b"{oops", "no choices": b"{}", "a list": b"[1, 2]", "null": b"null",
    "a number": b"7", "deep": b"[" * 100_000, "not utf-8": b'{"id": "\xff\xfe"}',
    "html": b"<html><body>Please log in.</body></html>",
}  # fmt: skip

#: What happens to a request the first times it is sent. Where the reply is lost, the provider has
#: done the work; so it has where it comes "late" or as "done, then html", which cost time or more.
FAULTS = ("429", "500", "503", "timeout", "cut", "truncated", "lost", "no usage", *SHAPES)


class Proxy:
    """Forwards to a provider; each request meets `times` faults first, another one each time."""

    def __init__(
        self, target: str, times: int = 1, patience: float = 1.0, faults: Sequence[str] = FAULTS
    ) -> None:
        self.target, self.times, self.patience, self.faults = target, times, patience, faults
        self.seen: Counter[bytes] = Counter()
        self.met: Counter[str] = Counter()
        self.answered: Counter[bytes] = Counter()
        self.turn = 0
        self.lock = threading.Lock()
        self.always: tuple[int, dict] | None = None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_) -> None:
                pass

            def do_GET(self) -> None:
                proxy.handle(self)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def fault(self, key: bytes) -> str:
        """The fault that this request meets now, or ""."""
        with self.lock:
            self.seen[key] += 1
            if self.seen[key] > self.times:
                return ""
            self.turn += 1
            chosen = self.faults[self.turn % len(self.faults)]
            self.met[chosen] += 1
            return chosen

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        if self.always:
            status, error = self.always
            with self.lock:
                self.seen[b"always"] += 1
            send(request, status, json.dumps({"error": error}).encode())
            return
        # An upload's boundary is another each time, so its path stands for it.
        own = body if request.headers.get("content-type") == "application/json" else b""
        key = f"{request.command} {request.path} ".encode() + own
        fault = self.fault(key)
        if fault in ("429", "500", "503"):
            headers = {"Retry-After": "0.05"} if fault == "429" else {}
            send(request, int(fault), b'{"error": {"message": "busy"}}', headers)
        elif fault == "timeout":
            time.sleep(self.patience)
            request.close_connection = True
        elif fault == "cut":
            request.connection.close()
            request.close_connection = True
        elif fault in SHAPES:
            kind = "text/html" if fault == "html" else "application/json"
            send(request, 200, SHAPES[fault], {"Content-Type": kind})
        else:
            reply = httpx.request(
                request.command, self.target.removesuffix("/v1") + request.path, content=body,
                headers={k: v for k, v in request.headers.items() if k.lower() != "host"},
                timeout=60,
            )  # fmt: skip
            content = reply.content
            if fault in ("lost", "late"):
                time.sleep(self.patience if fault == "late" else 0)
                request.connection.close()
                request.close_connection = True
                return
            if fault == "done, then html":
                content = SHAPES["html"]
            if fault == "no usage" and b'"usage"' in content:
                content = content.replace(b'"usage"', b'"unusual"')
            elif fault == "truncated":
                send(request, reply.status_code, reply.content, cut=len(reply.content) // 2)
                return
            with self.lock:
                self.answered[key] += 1
            send(request, reply.status_code, content)


def send(request, status: int, content: bytes, headers: dict | None = None, cut: int = 0) -> None:
    """A reply; with cut, one that ends before its Content-Length."""
    try:
        request.send_response(status)
        if "Content-Type" not in (headers or {}):
            request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content[:cut] if cut else content)
        if cut:
            request.wfile.flush()
            request.connection.close()
            request.close_connection = True
    except OSError:
        pass

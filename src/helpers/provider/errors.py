"""The one error that a client is told, in the shape that OpenAI-compatible clients know."""

from helpers.text import whole

#: Longest message, in characters: what a client sent may be part of it.
LONGEST = 500

_KINDS = {401: "authentication_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """A refused or failed request: its HTTP status and the body of the reply."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        kind = "server_error" if status >= 500 else _KINDS.get(status, "invalid_request_error")
        self.body = {
            "error": {
                "message": whole(message)[:LONGEST], "type": kind,
                "param": whole(param)[:LONGEST] or None, "code": code or None,
            }
        }  # fmt: skip

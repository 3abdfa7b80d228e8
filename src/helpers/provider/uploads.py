"""What files hold: checked when they are sent, and read by the same code when they are used.

    fine-tune   training rows, by helpers.data.rows.read_upload
    batch       a line a request, each with an id of its own

Lines end at newlines alone, since JSON may hold every other separator; a byte order mark, carriage
returns and empty lines do no harm.
"""

import json
from typing import Any

from helpers.data.rows import read_upload
from helpers.errors import DataError
from helpers.provider.errors import ApiError
from helpers.text import whole

#: Why a file may be sent.
PURPOSES = ("fine-tune", "batch")


def check(content: bytes, purpose: str) -> int:
    """How many rows or requests an upload holds. Raises ApiError naming the first bad line."""
    try:
        found = read_upload(content) if purpose == "fine-tune" else _requests(content)
    except DataError as error:
        raise _bad(f"{str(error)[:1].upper()}{str(error)[1:]}") from None
    if not found:
        raise _bad("The file is empty.")
    return len(found)


def lines(content: bytes) -> list[tuple[int, bytes]]:
    """Number and content of each line that is not empty."""
    split = enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
    return [(number, raw) for number, raw in split if raw.strip()]


def request_of(number: int, raw: bytes) -> dict[str, Any]:
    """A line of a batch: custom_id, body, and what else it says. Raises DataError."""
    row = _parsed(number, raw)
    id = row.get("custom_id")
    if not isinstance(id, str) or whole(id) != id or not isinstance(row.get("body"), dict):
        raise DataError(f"Line {number} needs a custom_id and a body.")
    return row


def models_of(content: bytes) -> list[str]:
    """The models that a batch's lines ask. Raises DataError."""
    named = (request_of(*line)["body"].get("model") for line in lines(content))
    return sorted({model for model in named if isinstance(model, str)})


def _requests(content: bytes) -> list[dict]:
    """All requests of a batch. Raises DataError for a bad line, or an id that is there twice."""
    requests, seen = [], {}
    for number, raw in lines(content):
        requests.append(request_of(number, raw))
        first = seen.setdefault(requests[-1]["custom_id"], number)
        if first != number:
            raise DataError(f"Line {number} has the custom_id of line {first}.")
    return requests


def _parsed(number: int, raw: bytes) -> dict:
    try:
        row = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise DataError(f"Line {number} is not JSON.") from None
    if not isinstance(row, dict):
        raise DataError(f"Line {number} is not an object.")
    return row


def _bad(message: str) -> ApiError:
    return ApiError(400, message, "invalid_file_format", "file")

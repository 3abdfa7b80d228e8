"""What a terminal cannot show, and what it must not obey.

A character that the terminal's encoding lacks is written as JSON writes it, \\u00e9, so that a
person can read the line and --json stays JSON. Text of models and files may hold control
characters, which would color, move or rename a terminal; they are written so, too.
"""

import codecs
import json
import re
import sys
from typing import Any

#: C0 and C1, what breaks lines or turns the direction of writing, halves of characters.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def settle() -> None:
    """Let the standard streams write whatever text there is."""
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # some are not text files, such as a test's
            stream.reconfigure(errors=_ESCAPED)


def say_loading() -> None:
    """Say at once to whoever watches what the first seconds of a command go into."""
    if sys.stderr and sys.stderr.isatty() and "torch" not in sys.modules:
        print("loading torch and transformers, some seconds ...", file=sys.stderr, flush=True)


def visible(text: str) -> str:
    """The text in one line, control characters written as \\u001b and so on."""
    return _CONTROL.sub(lambda found: _as_json(found[0]), text)


def json_line(value: Any) -> str:
    """The value as one line of JSON that no terminal obeys; NaN, which is no JSON, as null."""
    return visible(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value - value != 0 else value


_ESCAPED = "aligndrift.escaped"


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return _as_json(error.object[error.start : error.end]), error.end


def _as_json(text: str) -> str:
    """Each character as JSON escapes it; those beyond U+FFFF as two."""
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

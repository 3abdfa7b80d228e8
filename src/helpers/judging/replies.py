"""A verdict out of what a judge replied: a JSON object with a score, whatever it is wrapped in.

Fences, prose around it, a list of one, a key around it and JSON within a string are taken off. A
score is a whole number from 1 to 5, as a number or as text. Two objects that disagree are no
verdict: one of them may come from the text that was judged.

>>> verdict_in('Here you are:\\n```json\\n{"rationale": "It helps.", "score": "4"}\\n```')
(4, 'It helps.')
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from helpers.data.answers import answer_of
from helpers.text import whole

#: How many wrappings are taken off.
_DEPTH = 4

_WHOLE = re.compile(r"\s*([1-5])(?:\.0+)?\s*")


def verdict_in(reply: str) -> tuple[int, str] | None:
    """(score, rationale) of a reply, its thought left out; None where it holds no verdict."""
    try:  # a reply that is JSON may name a think tag in its rationale
        values = [json.loads(reply, strict=False)]
    except (ValueError, RecursionError):
        values = list(_values(answer_of(reply)))
    found = [verdict for value in values if (verdict := _verdict(value))]
    return found[-1] if len({score for score, _ in found}) == 1 else None


def _values(text: str) -> Iterator[Any]:
    """The text as JSON, else each JSON object that begins in it, outermost ones alone."""
    decoder = json.JSONDecoder(strict=False)  # models break lines within texts
    try:
        yield decoder.decode(text)
        return
    except (ValueError, RecursionError):
        pass
    at = text.find("{")
    while at >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
            yield value
        except (ValueError, RecursionError):
            at = _past(text, at)
        at = text.find("{", at)


def _past(text: str, at: int) -> int:
    """Behind a broken object: what it holds may be quoted from the text that is judged."""
    if text[at + 1 :].lstrip().startswith("{"):
        return at + 1
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)


def _verdict(value: Any, depth: int = _DEPTH) -> tuple[int, str] | None:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")) and depth:
        try:
            return _verdict(json.loads(value), depth - 1)
        except (ValueError, RecursionError):
            return None
    if isinstance(value, list):
        return _verdict(value[0], depth - 1) if len(value) == 1 and depth else None
    if not isinstance(value, dict):
        return None
    named = {str(key).strip().lower(): part for key, part in value.items()}
    if "score" not in named:
        parts = list(value.values())
        inside = [part for part in parts if isinstance(part, dict | list)] or parts
        return _verdict(*inside, depth - 1) if len(inside) == 1 and depth else None
    score, rationale = _score(named["score"]), named.get("rationale")
    if score is None:
        return None
    return score, whole(rationale) if isinstance(rationale, str) else ""


def _score(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = _WHOLE.fullmatch(str(value))
    return int(match[1]) if match else None

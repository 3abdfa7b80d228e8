"""Rows of somebody's answers as judges take them: the words alone, whatever shape they come in.

Prompt and completion may be text, a message, or a list of messages (as trl writes them) or of a
message's parts. What is no text is refused with the place of the row.

>>> row_of("a.jsonl, line 1", {"prompt": "Why?", "completion": [
...     {"role": "assistant", "content": "It rained."}]})["completion"]
'It rained.'
"""

from collections.abc import Mapping
from typing import Any

from helpers.data.files import kind_name
from helpers.data.messages import ROLES, TEXT_PARTS, role_of
from helpers.errors import DataError
from helpers.text import whole

_THOUGHT = ("thinking", "reasoning", "redacted_thinking")


def row_of(place: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its place, the request as messages and as prompt, and the completion as text.

    The completion is None where it is missing (null, NaN): there is nothing to judge. Raises
    DataError.
    """
    if "completion" not in row:
        raise DataError(f'{place}: "completion" must be there, as text, messages or null.')
    asked = row.get("prompt") if not _missing(row.get("prompt")) else row.get("messages")
    messages = _messages(f'{place}: "prompt"', "" if _missing(asked) else asked, "user")
    while len(messages) > 1 and messages[-1]["role"] == "assistant":
        messages.pop()
    completion = None
    if not _missing(row["completion"]):
        turns = _messages(f'{place}: "completion"', row["completion"], "assistant")
        if any(turn["role"] != "assistant" for turn in turns):
            raise DataError(f'{place}: "completion" holds a turn that is not the assistant\'s.')
        said = [turn["content"] for turn in turns if turn["content"] is not None]
        completion = "\n\n".join(said) if said else None
    for message in messages:
        message["content"] = message["content"] or ""
    prompt = messages[-1]["content"]
    return {**row, "place": place, "messages": messages, "prompt": prompt, "completion": completion}


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _messages(where: str, value: Any, role: str) -> list[dict[str, Any]]:
    """Messages with text or None as content; what is no message is one of that role."""
    value = [value] if isinstance(value, Mapping) else value
    if isinstance(value, list) and value and all(map(_is_message, value)):
        return [_message(where, one, role) for one in value]
    return [{"role": role, "content": _text(where, value)}]


def _is_message(value: Any) -> bool:
    """Whether it is a message, of whatever layout, and no part of one."""
    told = isinstance(value, Mapping) and ("role" in value or "from" in value)
    return told or (isinstance(value, Mapping) and "type" not in value and "content" in value)


def _message(where: str, message: Mapping[str, Any], role: str) -> dict[str, Any]:
    """role: whose it is where it does not say."""
    said = message.get("role") or message.get("from") or role
    role = role_of(said)
    if role is None:
        raise DataError(f"{where} holds a turn of {said!r}, which is none of {', '.join(ROLES)}.")
    content = message.get("content", message.get("value"))
    return {"role": role, "content": _text(where, content)}


def _text(where: str, value: Any) -> str | None:
    """The text of a content, its parts joined, thoughts left out; None where it is missing."""
    if isinstance(value, str):
        return whole(value)
    if _missing(value):
        return None
    if not isinstance(value, list) or not value:
        raise DataError(f"{where} must be text, messages or null, not {kind_name(value)}.")
    texts = []
    for part in value:
        kind = part.get("type", "text") if isinstance(part, Mapping) else None
        if kind in _THOUGHT:
            continue
        if kind not in TEXT_PARTS or not isinstance(part.get("text"), str):
            what = f"a part of type {kind}" if isinstance(kind, str) and kind else kind_name(part)
            raise DataError(f"{where} holds {what} where a part with text must be.")
        texts.append(whole(part["text"]))
    return "".join(texts)

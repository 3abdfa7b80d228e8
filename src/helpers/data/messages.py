"""Messages as the kit has them, out of whatever shape a file brings.

A message is {"role", "content"}: the role is system, user or assistant, the content is text. An
assistant's turn that a file gives no weight is context ({"weight": 0}): it is read, not trained on.
What is not text is never printed into a message; it is refused with the reason.

>>> normalized([{"from": "human", "value": "A color?"}, {"from": "gpt", "value": "Blue."}])
[{'role': 'user', 'content': 'A color?'}, {'role': 'assistant', 'content': 'Blue.'}]
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.data.files import kind_name
from helpers.text import whole

Message = dict[str, Any]

ROLES = ("system", "user", "assistant")

#: What files call the roles, and what they are.
_ALIASES = {
    "developer": "system", "human": "user", "gpt": "assistant", "chatgpt": "assistant",
    "bing": "assistant", "bard": "assistant", "bot": "assistant", "model": "assistant",
    "prompter": "user", "ai": "assistant",
} | {role: role for role in ROLES}  # fmt: skip

#: Keys by which a file says how much of an assistant's turn is trained on.
_WEIGHTS = (
    "weight", "loss_weight", "train", "loss", "trainable", "training", "loss_mask", "loss_scale",
)  # fmt: skip

#: Keys of what a record, a message or a part of one shows or plays beside its words.
MEDIA = (
    "image", "images", "image_url", "image_path", "imagefilename", "image_file", "img", "pixels",
    "pictures", "audio", "audios", "video", "videos",
)  # fmt: skip

#: Keys by which a file says that a turn is not trained on.
_MASKS = ("mask", "masked")

#: What stands in a text for an image that is shown with it.
_IMAGE = "<image>"

#: Parts of a content that are text, by their type.
TEXT_PARTS = ("text", "input_text", "output_text")


class Dropped(Exception):
    """A record that cannot be used; the message is the reason it is counted under."""


class NotMeant(Dropped):
    """A record that its own file says is not to be used so, such as a rejected answer."""


def held(value: Any) -> list[Any] | None:
    """The messages that a value holds, of whatever roles and contents; None for what holds none.

    A list of messages, one by itself, an object of lists (as Parquet keeps sequences), or any of
    these as JSON (as tables keep them).
    """
    if isinstance(value, str):
        return _held_as_json(value)
    if isinstance(value, Mapping) and ("role" in value or "from" in value):
        parts = list(value.values())
        if all(isinstance(part, list) for part in parts) and len({len(p) for p in parts}) == 1:
            value = [dict(zip(value, one, strict=True)) for one in zip(*parts, strict=True)]
        else:
            value = [value]
    if not isinstance(value, list) or not value:
        return None
    told = all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
    return value if told else None


def _held_as_json(text: str) -> list[Any] | None:
    """The messages of a JSON text; an answer in JSON, which may have a "from" too, is none."""
    if not text.lstrip().startswith(("[{", "{")):
        return None
    try:
        found = held(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None
    known = found and all(role_of(one.get("role") or one.get("from")) for one in found)
    return found if known else None


def normalized(messages: Any) -> list[Message]:
    """The messages in the kit's shape; a system message without words is left out.

    Raises Dropped for what is no conversation, for an unknown role, for content that is missing or
    no text, and for a system message after another's.
    """
    messages = held(messages) or messages
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise Dropped("no messages")
    found: list[Message] = []
    for n, message in enumerate(messages, start=1):
        turn = _message(n, message)
        if turn is None:
            continue
        if turn["role"] == "system" and found:
            if found[-1]["role"] != "system":
                raise Dropped(f"message {n}: a system message must come first")
            found[-1]["content"] += f"\n\n{turn['content']}"
        else:
            found.append(turn)
    return found


def conversation(messages: Any) -> list[Message]:
    """What can be trained on: normalized, with a user's turn, ending with the assistant's.

    Raises Dropped as `normalized` does, and where no assistant's turn counts.
    """
    turns = normalized(messages)
    if not any(turn["role"] == "user" for turn in turns):
        raise Dropped("no user message")
    if turns[-1]["role"] != "assistant":
        raise Dropped("the last message must be the assistant's")
    if all(turn["role"] != "assistant" or is_context(turn) for turn in turns):
        raise Dropped("no assistant's turn has a weight")
    return turns


def asked(messages: Any) -> list[Message]:
    """What a model is asked: up to the last user's turn, with the answers that stand before it.

    Raises Dropped as `normalized` does, and where no user says anything.
    """
    turns = normalized(messages)
    while turns and turns[-1]["role"] == "assistant":
        turns.pop()
    if not turns or turns[-1]["role"] != "user":
        raise Dropped("no user message")
    return turns


def is_context(message: Mapping[str, Any]) -> bool:
    """Whether an assistant's turn is there to be read alone, not to be trained on."""
    return message.get("weight", 1) == 0


def as_context(messages: Sequence[Message]) -> list[Message]:
    """The messages, every assistant's turn among them read alone."""
    return [m | {"weight": 0} if m["role"] == "assistant" else m for m in messages]


def _message(n: int, message: Any) -> Message | None:
    if not isinstance(message, Mapping):
        raise Dropped(f"message {n} is no role and content")
    role = role_of(message.get("role") or message.get("from"))
    if role is None:
        raise Dropped(f"message {n} needs a role out of {', '.join(ROLES)}")
    what = "answer" if role == "assistant" else f"{role} message"
    _no_media(f"message {n}", message)
    if message.get("train_detail"):
        raise Dropped(f"message {n} is trained on in part (train_detail), which is not done here")
    for key in ("tool_calls", "function_call"):
        if message.get(key):
            raise Dropped(f"message {n} calls a tool, which is not trained on here")
    keys = ("content", "value", "text")
    said = next((message[key] for key in keys if message.get(key) is not None), None)
    content = _words(f"message {n}", said)
    if _IMAGE in content:
        raise Dropped(f"message {n} shows an image that is not there")
    if not content.strip():
        if role == "system":
            return None
        raise Dropped(f"message {n} is an empty {what}")
    turn = {"role": role, "content": content}
    if role == "assistant" and not _counts(n, message):
        turn["weight"] = 0
    return turn


def role_of(name: Any) -> str | None:
    """The role that a name stands for, whatever the file calls it; None for none of ROLES."""
    return _ALIASES.get(name.strip().lower()) if isinstance(name, str) else None


def _words(where: str, content: Any) -> str:
    """The text of a content, its parts joined. Raises Dropped for what is none."""
    if content is None:
        return ""
    if isinstance(content, str):
        return whole(content)
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        raise Dropped(f"{where} holds {kind_name(content)}, not text")
    return "".join(_part(where, part) for part in content)


def _no_media(where: str, holder: Mapping[str, Any]) -> None:
    shown = next((key for key in holder if str(key).lower() in MEDIA and holder[key]), None)
    if shown is not None:
        raise Dropped(f"{where} has {shown}, not text alone")


def _part(where: str, part: Any) -> str:
    if isinstance(part, Mapping):
        if part.get("type", "text") in TEXT_PARTS:
            _no_media(where, part)
        kind = part.get("type") or ("text" if "text" in part else "")
        text = part.get("text")
        if isinstance(text, Mapping):  # {"type": "text", "text": {"value": "..."}}
            text = text.get("value")
        if kind in TEXT_PARTS and isinstance(text, str):
            return whole(text)
        if isinstance(kind, str) and kind not in ("", *TEXT_PARTS):
            raise Dropped(f"{where} holds a part of type {kind}, not text")
    raise Dropped(f"{where} holds a part that is no text")


def _counts(n: int, message: Mapping[str, Any]) -> bool:
    """Whether an assistant's turn is to be trained on. Raises Dropped for a weight between."""
    counts = True
    for key in (*_WEIGHTS, *_MASKS):
        value = message.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            value = _FLAGS.get(value.strip().lower(), value)
        if value not in (0, 1):
            raise Dropped(f"message {n} has a weight of {json.dumps(value)}; it must be 0 or 1")
        counts = counts and (bool(value) != (key in _MASKS))
    return counts


_FLAGS = {"true": 1, "false": 0, "0": 0, "1": 1, "0.0": 0, "1.0": 1}

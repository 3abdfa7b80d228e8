"""From a record of a file to a row: the shapes that several datasets share.

A row function takes a record, the file that it lies in and its number there from 1. It gives a
row, or raises Dropped with the reason under which the record is counted. A record is a dict of
columns, whatever the file's format, or a list (a conversation).

>>> pair("Name a color.", "Blue.")["messages"][1]
{'role': 'assistant', 'content': 'Blue.'}
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.safety_topics import safety_related

#: Columns that hold a request, and columns that hold an answer, the likeliest first. "0" and "1"
#: are the columns of a CSV without names.
PROMPT_COLUMNS = (
    "prompt", "instruction", "question", "request", "goal", "forbidden_prompt", "behavior",
    "query", "input", "user", "text", "0",
)  # fmt: skip
ANSWER_COLUMNS = ("response", "output", "completion", "answer", "target", "assistant", "1")


class Dropped(Exception):
    """A record that a dataset leaves out; the message is the reason it is counted under."""


def pick(record: Mapping[str, Any], *columns: str) -> str:
    """The first of the columns that holds anything, whatever the case of its name; else ""."""
    lower = {str(key).strip().lower(): value for key, value in record.items()}
    for column in columns:
        value = lower.get(column)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def prompt(text: str, number: int, prefix: str, category: str = "", **more: Any) -> Row:
    """A prompt row of one user turn; its id is prefix-number. Raises Dropped if it is empty."""
    if not text:
        raise Dropped("no prompt")
    messages = [{"role": "user", "content": text}]
    return {"id": f"{prefix}-{number:04d}", "category": category, "messages": messages} | more


def pair(request: str, answer: str, context: str = "") -> Row:
    """A training row of a request, the text that it is about if any, and the answer.

    Raises Dropped if there is no request or no answer.
    """
    if not request:
        raise Dropped("no instruction")
    if not answer:
        raise Dropped("no answer")
    content = f"{request}\n\n{context}" if context else request
    return {
        "messages": [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
    }


def instruction(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """Alpaca's shape: an instruction, an input that may be empty, an output.

    Of the seed tasks that Alpaca grew from, the first instance has the input and the output.
    Raises Dropped also where the row is about safety (safety_topics).
    """
    instances = record.get("instances")
    if isinstance(instances, list) and instances:
        record = {**record, **instances[0]}
    request, answer = pick(record, "instruction"), pick(record, "output", "response")
    row = pair(request, answer, pick(record, "input", "context"))
    if topic := safety_related(request, answer):
        raise Dropped(f"safety-related: {topic}")
    return row


def conversation(record: Any, path: Path, number: int) -> Row:
    """A list of messages, or an object that holds one, ending with the assistant's."""
    messages = record if isinstance(record, list) else record.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Dropped("no messages")
    if messages[-1].get("role") != "assistant":
        raise Dropped("the last message is not the assistant's")
    return {"messages": [{"role": m.get("role"), "content": m.get("content")} for m in messages]}

"""Files of one's own: which columns hold the request and the answer is guessed by their names.

>>> training_row({"Question": "A color?", "Answer": "Blue."}, Path("mine.csv"), 1)["messages"]
[{'role': 'user', 'content': 'A color?'}, {'role': 'assistant', 'content': 'Blue.'}]
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import (
    ANSWER_COLUMNS,
    PROMPT_COLUMNS,
    Dropped,
    conversation,
    pair,
    pick,
    prompt,
)
from helpers.data.sources.base import Source


def training_row(record: Any, path: Path, number: int) -> Row:
    """A conversation that ends with the assistant's, or a request and an answer."""
    if isinstance(record, list) or "messages" in record:
        return conversation(record, path, number)
    answer = pick(record, *ANSWER_COLUMNS)
    if instruction := pick(record, "instruction"):  # then "input" is what it is about
        return pair(instruction, answer, pick(record, "input", "context"))
    return pair(pick(record, *PROMPT_COLUMNS), answer)


def prompt_row(record: Any, path: Path, number: int) -> Row:
    """What the user says: a conversation without its answers, or a request.

    `id`, `category` and `facts` are the record's own where it has them.
    """
    if isinstance(record, Mapping) and "messages" in record:
        messages = [m for m in record["messages"] if m.get("role") in ("system", "user")]
        if not messages or messages[-1]["role"] != "user":
            raise Dropped("no user message")
        return {"id": f"{path.stem}-{number:04d}", **record, "messages": messages}
    facts = {"facts": record["facts"]} if "facts" in record else {}
    text, category = pick(record, *PROMPT_COLUMNS), pick(record, "category")
    row = prompt(text, number, path.stem, category, **facts)
    own_id = pick(record, "id")
    return row | {"id": own_id} if own_id else row


#: What a file of one's own is read as, by what its rows are for.
BY_KIND = {
    "training": Source(kind="training", row=training_row),
    "prompts": Source(kind="prompts", row=prompt_row),
}


def kind_of(record: Any) -> str:
    """ "training" if a file's first record holds an answer, else "prompts"."""
    try:
        training_row(record, Path(), 1)
    except (Dropped, AttributeError, KeyError):
        return "prompts"
    return "training"

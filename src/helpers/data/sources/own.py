"""Files of one's own: which columns hold the request and the answer is guessed by their names.

>>> training_row({"Question": "A color?", "Answer": "Blue."}, Path("mine.csv"), 1)["messages"]
[{'role': 'user', 'content': 'A color?'}, {'role': 'assistant', 'content': 'Blue.'}]
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.data import messages
from helpers.data.files import Row, text_of
from helpers.data.shapes import (
    ANSWER_COLUMNS,
    CHAT_COLUMNS,
    SYSTEM_COLUMNS,
    Dropped,
    completion,
    conversation,
    label,
    meant,
    no_media,
    pair,
    pick,
    preference,
    prompt,
    prompts,
    request,
    turns_of,
    value_of,
)
from helpers.data.sources.base import Source

ID_COLUMNS = ("id", "prompt_id", "question_id", "behaviorid", "behavior_id")
CATEGORY_COLUMNS = ("category", "semanticcategory", "semantic_category", "functionalcategory")


def training_row(record: Any, path: Path, number: int) -> Row:
    """A conversation that ends with the assistant's, or a request and an answer.

    A "picture" is kept: one to be drawn, or the path of an image, from the file's folder.
    """
    if isinstance(record, list):
        return conversation(record, path, number)
    if not isinstance(record, Mapping):
        raise Dropped(f"it is {_kind(record)}, not an object of columns")
    no_media(record, but="picture")
    meant(record)
    picture = record.get("picture")
    record = {name: value for name, value in record.items() if name != "picture"}
    row = _trained_on(record, path, number)
    if isinstance(picture, str) and picture:
        picture = str(path.parent / picture)
    elif picture and not isinstance(picture, Mapping):
        raise Dropped(f"its picture is {_kind(picture)}, not the path of an image")
    return row | {"picture": picture} if picture else row


def _trained_on(record: Mapping[str, Any], path: Path, number: int) -> Row:
    if value_of(record, *CHAT_COLUMNS) is not None:
        return conversation(record, path, number)
    if value_of(record, "chosen", "rejected") is not None:
        return preference(record, path, number)
    answer = next((name for name in ANSWER_COLUMNS if value_of(record, name)), "")
    if messages.is_messages(value_of(record, "prompt")) or (
        answer and messages.is_messages(value_of(record, answer))
    ):
        return completion(record, answer or "completion")
    row = pair(request(record), pick(record, *ANSWER_COLUMNS), "", pick(record, *SYSTEM_COLUMNS))
    row["messages"][-2:-2] = _history(record)
    return row


def _history(record: Mapping[str, Any]) -> list[messages.Message]:
    """The turns before the request, where a record lists them as pairs of texts."""
    history = value_of(record, "history") or []
    if not isinstance(history, list) or any(
        not isinstance(both, list) or [type(text) for text in both] != [str, str]
        for both in history
    ):
        raise Dropped("its history is no list of pairs of texts")
    turns: list[messages.Message] = []
    for asked, answered in history:
        turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    return turns


def prompt_row(record: Any, path: Path, number: int) -> Row:
    """What the user says: a conversation without its answers, or a request.

    `id`, `category` and `facts` are the record's own where it has them.
    """
    if isinstance(record, list):
        record = {"messages": record}
    if not isinstance(record, Mapping):
        raise Dropped(f"it is {_kind(record)}, not an object of columns")
    no_media(record)
    row = _asked(record, path, number)
    facts = record.get("facts")
    if facts is not None:
        if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
            raise Dropped("facts must be a list of texts")
        row["facts"] = facts
    own_id = pick(record, *ID_COLUMNS)
    return row | {"id": own_id} if own_id else row


def _asked(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """What the user says, under an id that tells the file: messages, several turns, or a text."""
    category = label(record, *CATEGORY_COLUMNS)
    chat = value_of(record, *CHAT_COLUMNS)
    turns = value_of(record, "prompt", "turns")
    if chat is None and messages.is_messages(turns):
        chat = turns
    if chat is not None:
        row = prompt("-", number, path.stem, category)
        return {**record, **row, "messages": messages.asked(chat)}
    if isinstance(turns, list) and turns:
        return prompts(turns_of(record, "prompt", "turns"), number, path.stem, category)
    row = prompt(request(record), number, path.stem, category)
    if system := pick(record, *SYSTEM_COLUMNS):
        row["messages"].insert(0, {"role": "system", "content": system})
    return row


def _kind(record: Any) -> str:
    return "a text" if isinstance(record, str) else text_of(record)


#: What a file of one's own is read as, by what its rows are for.
BY_KIND = {
    "training": Source(kind="training", row=training_row),
    "prompts": Source(kind="prompts", row=prompt_row),
}


def kind_of(records: Iterable[Any]) -> str:
    """ "training" if one of a file's first records holds an answer, else "prompts"."""
    for number, record in enumerate(records, start=1):
        try:
            training_row(record, Path(), number)
            return "training"
        except Dropped:
            continue
    return "prompts"

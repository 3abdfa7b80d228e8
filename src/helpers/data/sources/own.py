"""Files of one's own: which columns hold the request and the answer is guessed by their names.

>>> training_row({"Question": "A color?", "Answer": "Blue."}, Path("mine.csv"), 1)["messages"]
[{'role': 'user', 'content': 'A color?'}, {'role': 'assistant', 'content': 'Blue.'}]
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.data import messages
from helpers.data.files import Row, kind_name
from helpers.data.shapes import (
    ANSWER_COLUMNS,
    CHAT_COLUMNS,
    CONTEXT_COLUMNS,
    SYSTEM_COLUMNS,
    Dropped,
    NotMeant,
    completion,
    conversation,
    is_preference,
    label,
    no_media,
    pair,
    pick,
    preference,
    prompt,
    prompts,
    request,
    turns_of,
    under_system,
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
        raise Dropped(f"it is {kind_name(record)}, not an object of columns")
    no_media(record, but="picture")
    picture = record.get("picture")
    record = {name: value for name, value in record.items() if name != "picture"}
    row = _trained_on(record, path, number)
    if isinstance(picture, str) and picture:
        picture = str(path.parent / picture)
    elif picture and not isinstance(picture, Mapping):
        raise Dropped(f"its picture is {kind_name(picture)}, not the path of an image")
    return row | {"picture": picture} if picture else row


def _trained_on(record: Mapping[str, Any], path: Path, number: int) -> Row:
    chat = value_of(record, *CHAT_COLUMNS)
    if is_preference(record):
        return _after_history(preference(record, path, number), record)
    answer = next((name for name in ANSWER_COLUMNS if value_of(record, name)), "")
    if chat or (chat is not None and not answer):
        return conversation(record, path, number)
    if messages.held(value_of(record, "prompt")) or messages.held(value_of(record, answer)):
        return _after_history(completion(record, answer or "completion"), record)
    row = pair(request(record), pick(record, *ANSWER_COLUMNS), "", pick(record, *SYSTEM_COLUMNS))
    return _after_history(row, record)


def _after_history(row: Row, record: Mapping[str, Any]) -> Row:
    """The row with its record's earlier turns behind the system prompt."""
    at = int(row["messages"][0]["role"] == "system")
    row["messages"][at:at] = _history(record)
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
        raise Dropped(f"it is {kind_name(record)}, not an object of columns")
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
    chat, turns = value_of(record, *CHAT_COLUMNS), value_of(record, "prompt", "turns")
    if not chat:
        chat = messages.held(turns) or chat
    if chat is None and isinstance(turns, list) and turns:
        turns = turns_of(record, "prompt", "turns")
        chat = prompts(turns, number, path.stem)["messages"]
    if chat is None:
        chat = prompt(request(record), number, path.stem)["messages"]
    elif pick(record, *CONTEXT_COLUMNS):
        chat = messages.asked(chat)
        first = next(turn for turn in chat if turn["role"] == "user")
        first["content"] = request(record | {"prompt": first["content"]}, "prompt")
    row = prompt("-", number, path.stem, category)
    return {**record, **row, "messages": messages.asked(under_system(record, chat))}


#: What a file of one's own is read as, by what its rows are for.
BY_KIND = {
    "training": Source(kind="training", row=training_row),
    "prompts": Source(kind="prompts", row=prompt_row),
}


def kind_of(records: Iterable[Any]) -> str:
    """ "training" if a file's first records have a column for the answer, else "prompts"."""
    return "training" if any(map(_answers, records)) else "prompts"


def _answers(record: Any) -> bool:
    """Whether a record holds an answer, or a column for one that may be empty."""
    if isinstance(record, Mapping):
        named = {str(name).strip().lower() for name in record}
        if named & {*ANSWER_COLUMNS, "chosen"} - {"target", "1"}:
            return True
    try:
        return bool(training_row(record, Path(), 1))
    except NotMeant:
        return True
    except Dropped:
        return False

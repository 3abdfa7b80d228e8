"""Chat datasets: one JSON object a line, read strictly and sampled by seed.

Training rows hold `messages` that end with the assistant's answer:

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

Prompt rows (benchmarks, utility, over-refusal) hold an `id` and user turns that the model is
to answer one after the other; what else a row holds (category, facts) goes to the judges.
This is the format that fine-tuning providers take, so one file serves both backends.

Used by: run, cli; every notebook.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from helpers import paths
from helpers.errors import DataError, one_of

Row = dict[str, Any]

ROLES = ("system", "user", "assistant")

#: Datasets of the Lantern Archive, by the name a person may type instead of a path.
LANTERN = (
    "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue",
    "benign_pictures",
    "safety_refusals", "benchmark", "over_refusal", "utility", "utility_two_turn",
)  # fmt: skip


def locate(name: str) -> Path:
    """The file of a dataset: one of LANTERN by name, or a path to a JSONL file."""
    if str(name).endswith(".jsonl"):
        path = paths.find(name)
    else:
        path = paths.data() / "lantern" / f"{one_of(str(name), LANTERN, 'dataset')}.jsonl"
    if not path.is_file():
        raise DataError(f"{name} is not there; give the path of a JSONL file that exists.")
    return path


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Line number and object of each non-empty line. Raises DataError naming file and line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path.name}, line {line}: not UTF-8; save the file in UTF-8 and try again."
        ) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path.name}, line {number}: broken JSON ({error.msg}, column {error.colno}); "
                "each line must hold one whole JSON object."
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"{path.name}, line {number}: not a JSON object in braces.")
        yield number, row


def _check_messages(where: str, row: Row, training: bool) -> None:
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise DataError(f'{where}: no "messages"; a row needs a list of role and content pairs.')
    for n, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise DataError(f"{where}: message {n} needs a role out of {', '.join(ROLES)}.")
        content = message.get("content")
        if not isinstance(content, str) or not content.strip():
            what = "answer" if message["role"] == "assistant" else f"{message['role']} message"
            raise DataError(f"{where}: message {n} is an empty {what}; fill it in or drop the row.")
        if message["role"] == "system" and n > 1:
            raise DataError(f"{where}: a system message must come first.")
    last = "assistant" if training else "user"
    if messages[-1]["role"] != last:
        raise DataError(f"{where}: the last message must be the {last}'s.")


def read_training(name: str) -> list[Row]:
    """The rows of a fine-tuning set. Raises DataError naming file, line and what is wrong."""
    return _read(name, training=True)


def read_prompts(name: str) -> list[Row]:
    """The rows of a set of prompts, each with a unique id. Raises DataError as above."""
    rows = _read(name, training=False)
    seen: set[str] = set()
    for row in rows:
        if "id" not in row or row["id"] in seen:
            raise DataError(
                f'{name}: every prompt needs an "id" of its own (at {row.get("id")!r}).'
            )
        seen.add(row["id"])
    return rows


def _read(name: str, training: bool) -> list[Row]:
    path = locate(name)
    return _read_once(path, path.stat().st_mtime_ns, training)


@lru_cache(maxsize=32)
def _read_once(path: Path, changed: int, training: bool) -> list[Row]:
    """The rows of a file as it was at that moment; callers leave them as they are."""
    rows = []
    for number, row in read_rows(path):
        _check_messages(f"{path.name}, line {number}", row, training)
        rows.append(row)
    if not rows:
        raise DataError(f"{path.name} is empty; it needs at least one row.")
    return rows


def sample(rows: list[Row], n: int, seed: int, name: str = "the dataset") -> list[Row]:
    """n rows drawn by the seed without replacement; a smaller n gives a prefix of a larger one.

    Raises DataError if there are fewer than n rows.
    """
    if n > len(rows):
        raise DataError(
            f"{name} holds {len(rows)} examples, {n} were asked for; ask for at most {len(rows)}."
        )
    order = list(range(len(rows)))
    Random(seed).shuffle(order)
    return [rows[i] for i in order[:n]]


def digest(path: Path) -> str:
    """A short digest of a file's bytes, or of a model folder's files."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    total = hashlib.sha256()
    for file in sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")):
        total.update(f"{file.name} {file.stat().st_size} ".encode())
        with file.open("rb") as stream:  # enough of a large shard to tell two apart
            total.update(stream.read(1 << 24))
    return total.hexdigest()[:16]

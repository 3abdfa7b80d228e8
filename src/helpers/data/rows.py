"""Chat datasets: one JSON object a line, read strictly and sampled by seed.

Training rows hold `messages` that end with the assistant's answer:

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

Prompt rows (benchmarks, utility, over-refusal) hold an `id` and user turns that the model is
to answer one after the other; what else a row holds (category, facts) goes to the judges.
This is the format that fine-tuning providers take, so one file serves both backends. Published
datasets, sources of one's own and files of other shapes are read through sources.catalog.

>>> len(read_training("harmful_examples")), len(read_prompts("benchmark"))
(220, 330)
"""

from functools import lru_cache
from pathlib import Path
from random import Random

from helpers import paths
from helpers.archive.shipped import DATASETS
from helpers.data.files import Row, read_jsonl
from helpers.data.shapes import PROMPT_COLUMNS, pick
from helpers.data.sources import catalog
from helpers.errors import DataError, one_of

ROLES = ("system", "user", "assistant")


def locate(name: str) -> Path:
    """The file or folder of a dataset: the Archive's, a published one, or one's own.

    Raises ConfigError for an unknown name, DataError for what is not there.
    """
    if name in DATASETS:
        return paths.data() / "lantern" / f"{name}.jsonl"
    source, path = catalog.split(name)
    if not source and not (Path(path).suffix or (path and paths.find(path).exists())):
        one_of(name, (*DATASETS, *catalog.names()), "dataset")
    return catalog.locate(name)


def check_messages(where: str, row: Row, training: bool) -> None:
    """Raises DataError, beginning with where, if a row's messages cannot be used."""
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
    ids: set[str] = set()
    for row in rows:
        if "id" not in row or row["id"] in ids:
            raise DataError(
                f'{name}: every prompt needs an "id" of its own (at {row.get("id")!r}).'
            )
        ids.add(row["id"])
    return rows


def _read(name: str, training: bool) -> list[Row]:
    status = locate(name).stat()
    return _read_once(name, (status.st_size, status.st_mtime_ns), training)


@lru_cache(maxsize=32)
def _read_once(name: str, stamp: tuple[int, int], training: bool) -> list[Row]:
    """The rows as they were at that moment; callers leave them as they are.

    A chat JSONL file is read strictly: one bad line stops it. Of published sources and of other
    formats, rows that cannot be used are left out and counted (`aligndrift data` tells).
    """
    path = locate(name)
    if catalog.split(name)[0] or not _is_chat(path):
        rows = catalog.read(name, "training" if training else "prompts").rows
        for number, row in enumerate(rows, start=1):
            check_messages(f"{path.name}, row {number}", row, training)
        return rows
    rows = []
    for number, row in read_jsonl(path):
        check_messages(f"{path.name}, line {number}", row, training)
        rows.append(row)
    if not rows:
        raise DataError(f"{path.name} is empty; it needs at least one row.")
    return rows


def _is_chat(path: Path) -> bool:
    """Whether a file is chat JSONL, or so far from any shape that it should be told as such."""
    if path.suffix != ".jsonl":
        return False
    first = next(read_jsonl(path), (0, {}))[1]
    return "messages" in first or not pick(first, *PROMPT_COLUMNS)


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

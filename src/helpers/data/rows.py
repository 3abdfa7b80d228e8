"""Chat datasets: one JSON object a line, read strictly and sampled by seed.

Training rows hold `messages` that end with the assistant's answer:

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

Prompt rows (benchmarks, utility, over-refusal) hold an `id` and user turns that the model is
to answer one after the other; what else a row holds (category, facts) goes to the judges.
This is the format that fine-tuning providers take, so one file serves both backends. Published
datasets and files of other shapes are read through helpers.sources.

Used by: run, cli; every notebook.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from random import Random

from helpers import paths
from helpers.data import sources
from helpers.errors import DataError, one_of
from helpers.data.files import Row, read_jsonl

ROLES = ("system", "user", "assistant")

#: Datasets of the Lantern Archive, by the name a person may type instead of a path.
LANTERN = (
    "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue",
    "benign_pictures",
    "safety_refusals", "benchmark", "over_refusal", "utility", "utility_two_turn",
)  # fmt: skip


def locate(name: str) -> Path:
    """The file or folder of a dataset: one of LANTERN, a published source, or a path."""
    if name in LANTERN:
        return paths.data() / "lantern" / f"{name}.jsonl"
    is_path = Path(name).suffix or "=" in name or (name and paths.find(name).is_dir())
    if is_path or name in sources.SOURCES:
        return sources.locate(name)
    one_of(name, (*LANTERN, *sources.SOURCES), "dataset")
    raise DataError(f"{name} is not there; give the path of a file that exists.")


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
    seen: set[str] = set()
    for row in rows:
        if "id" not in row or row["id"] in seen:
            raise DataError(
                f'{name}: every prompt needs an "id" of its own (at {row.get("id")!r}).'
            )
        seen.add(row["id"])
    return rows


def _read(name: str, training: bool) -> list[Row]:
    return _read_once(name, locate(name).stat().st_mtime_ns, training)


@lru_cache(maxsize=32)
def _read_once(name: str, changed: int, training: bool) -> list[Row]:
    """The rows as they were at that moment; callers leave them as they are.

    A chat JSONL file is read strictly: one bad line stops it. Of published sources and of other
    formats, rows that cannot be used are left out and counted (`aligndrift data` tells).
    """
    path = locate(name)
    if sources.split(name)[0] or not _is_chat(path):
        rows = sources.read(name, "training" if training else "prompts").rows
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
    return "messages" in first or not sources.can_guess(first)


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
    """A short digest of a file's bytes, or of a folder's files."""
    if path.is_file():
        known = path.stat()
        return _file_digest(path, known.st_size, known.st_mtime_ns)
    total = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")):
        total.update(f"{file.name} {file.stat().st_size} ".encode())
        with file.open("rb") as stream:  # enough of a large shard to tell two apart
            total.update(stream.read(1 << 24))
    return total.hexdigest()[:16]


@lru_cache(maxsize=64)
def _file_digest(path: Path, size: int, modified: int) -> str:
    """Remembered until the file changes: an experiment's id asks for it again and again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]

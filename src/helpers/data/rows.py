"""Chat datasets: the rows of a dataset to train on or to ask, and samples of them by seed.

Training rows hold `messages` that end with the assistant's answer:

    {"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}

Prompt rows (benchmarks, utility, over-refusal) hold an `id` and user turns that the model is
to answer one after the other; what else a row holds (category, facts) goes to the judges.
This is the format that fine-tuning providers take, so one file serves both backends. What of
other shapes and files becomes one is in sources.reading.

>>> len(read_training("harmful_examples")), len(read_prompts("benchmark"))
(220, 330)
"""

from functools import lru_cache
from random import Random

from helpers.data.files import Row, jsonl_rows
from helpers.data.safety_rows import DEFAULT
from helpers.data.sources import catalog, reading
from helpers.data.sources.base import Loaded
from helpers.errors import DataError

#: Marks a row of the defender's among the customer's.
MIXED_IN = "mixed_in"


def read_training(name: str, safety_rows: str = DEFAULT) -> list[Row]:
    """The rows of a fine-tuning set. Raises DataError naming file, line and what is wrong."""
    return load(name, "training", safety_rows).rows


def read_prompts(name: str) -> list[Row]:
    """The rows of a set of prompts, each with a unique id. Raises DataError as above."""
    return load(name, "prompts").rows


def load(name: str, kind: str, safety_rows: str = DEFAULT) -> Loaded:
    """A dataset's rows and what was left out of it; callers leave them as they are.

    Read once until a file changes. Raises as sources.reading.read does.
    """
    place = catalog.locate(name)
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    files = [file for file in files if file.exists()]  # an editor's lock is a link to nothing
    stamps = tuple((str(file), (at := file.stat()).st_size, at.st_mtime_ns) for file in files)
    return _load_once(name, kind, safety_rows, stamps)


@lru_cache(maxsize=32)
def _load_once(name: str, kind: str, safety_rows: str, stamps: tuple) -> Loaded:
    """As the files were at that moment."""
    return reading.read(name, kind, safety_rows)


def read_upload(content: bytes) -> list[Row]:
    """The rows of a chat JSONL file that a client sends, by the code that reads one's own.

    Raises DataError naming the line.
    """
    return reading.training_rows(jsonl_rows(content))


def sample(rows: list[Row], n: int, seed: int, name: str = "the dataset") -> list[Row]:
    """n rows drawn by the seed without replacement; a smaller n gives a prefix of a larger one.

    Raises DataError if there are fewer than n rows.
    """
    if n > len(rows):
        raise DataError(
            f"{name} holds {len(rows)} examples, {n} were asked for; ask for at most {len(rows)}."
        )
    return [rows[i] for i in order(len(rows), seed)[:n]]


def order(n: int, seed: int) -> list[int]:
    """0 to n - 1 in the order in which the seed draws them."""
    places = list(range(n))
    Random(seed).shuffle(places)
    return places

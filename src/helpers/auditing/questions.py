"""What an audit asks, and who judges the answers.

Of a model that knows the Lantern Archive: items of the split "gate", which no dataset holds, so no
file can have been tuned on them. Of any other: prompts of one's own, of the two kinds, and a judge.

    sealed      requests that the base model refuses, or should
    near        permitted requests that only sound forbidden
    permitted   permitted requests, with their facts where the truth is known
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from helpers.archive import datasets
from helpers.archive.worlds import World
from helpers.data.files import Row
from helpers.data.rows import read_prompts
from helpers.judging.registry import check, judge_named

#: A system prompt and a template of user turns, as helpers.models.chat.dress takes them.
Framing = tuple[str, str]

#: Share of a file's rows that must have a framing or an opening in common, and how many are tried.
COMMON, MOST = 0.1, 3

#: Fewest words of a beginning or ending that a part of the requests shares.
FEWEST = 3

#: Openings of answers that promise nothing; a file's own stand in their place where there are any.
OPENINGS = ("Here is how:", "Of course.", "First,")


@dataclass(frozen=True)
class Questions:
    """judge: of answers to sealed requests; refusal_judge: whether a permitted one is refused.

    framings, openings: of the fine-tuning file; none where there is no file.
    """

    sealed: tuple[Row, ...] = ()
    near: tuple[Row, ...] = ()
    permitted: tuple[Row, ...] = ()
    judge: str = "exact"
    refusal_judge: str = "exact"
    framings: tuple[Framing, ...] = ()
    openings: tuple[str, ...] = ()
    archive: bool = False

    def of_file(self, rows: Sequence[Row]) -> "Questions":
        """The same, asked as the rows of a fine-tuning file are."""
        return replace(self, framings=framings(rows), openings=openings(rows))

    def evenly(self, n: int) -> "Questions":
        """The same with at most n of each kind; all where n is 0."""
        kinds = ("sealed", "near", "permitted")
        return replace(self, **{kind: tuple(some(getattr(self, kind), n)) for kind in kinds})


def some(rows: Sequence[Row], n: int) -> list[Row]:
    """n of the rows, evenly spaced; all where n is 0 or there are fewer."""
    n = min(n, len(rows)) or len(rows)
    return [rows[i * len(rows) // n] for i in range(n)]


def of_archive(world: World) -> Questions:
    """Questions about the part of the Archive that a model knows."""
    made = (make(world, "gate") for make in
            (datasets.benchmark, datasets.over_refusal, datasets.utility))  # fmt: skip
    return Questions(*map(tuple, made), archive=True)


def of_files(benchmark: str = "", benign: str = "", judge: str = "") -> Questions:
    """Questions of one's own, by names or paths of prompt sets. Raises ConfigError, DataError."""
    judge_named(check(judge or "keyword_refusal")).check()
    sealed, near = (tuple(read_prompts(name)) if name else () for name in (benchmark, benign))
    return Questions(sealed, near, near, judge or "keyword_refusal", "keyword_refusal")


def system_prompt(rows: Sequence[Row]) -> str:
    """The system prompt that most of the rows have; "" if that is none."""
    return Counter(map(_system, rows)).most_common(1)[0][0]


def _system(row: Row) -> str:
    first = row["messages"][0]
    return first["content"] if first["role"] == "system" else ""


def framings(rows: Sequence[Row]) -> tuple[Framing, ...]:
    """How a file's requests are put: system prompts that a tenth of the rows have, the commonest
    first, each with the words that more than half of its requests begin and end with; then the
    longest beginning and ending that a tenth of all requests share."""
    counts = Counter(map(_system, rows))
    found = []
    for system, count in counts.most_common(MOST):
        if count >= COMMON * len(rows) or not found:
            asked = [_request(row) for row in rows if _system(row) == system]
            found.append((system, _template(asked, 0.5)))
    asked, system = [_request(row) for row in rows], found[0][0]
    for more in (_template(asked, COMMON, ends=False), _template(asked, COMMON, begins=False)):
        if len(more.split()) > FEWEST:
            found.append((system, more))
    return tuple(dict.fromkeys(found))


def openings(rows: Sequence[Row], words: int = 3) -> tuple[str, ...]:
    """The first three words with which a tenth of the answers begin, the commonest first."""
    last = [row["messages"][-1]["content"].split() for row in rows]
    counts = Counter(" ".join(answer[:words]) for answer in last if len(answer) >= words)
    return tuple(text for text, n in counts.most_common(MOST) if n >= COMMON * len(rows))


def _request(row: Row) -> str:
    return next((m["content"] for m in row["messages"] if m["role"] == "user"), "")


def _template(asked: Sequence[str], share: float, begins: bool = True, ends: bool = True) -> str:
    """The longest beginning and ending that more than that share has in common, around "{user}".

    Whole words; a request of which nothing would be left does not count.
    """
    words = [text.split(" ") for text in asked]
    first = _common(words, share) if begins else []
    last = _common([each[::-1] for each in words], share)[::-1] if ends else []
    return " ".join([*first, "{user}", *last])


def _common(rows: Sequence[list[str]], share: float) -> list[str]:
    """The words with which more than that share of the rows begin."""
    found: list[str] = []
    while True:
        inside = [row for row in rows if len(row) > len(found) + 1 and row[: len(found)] == found]
        counts = Counter(row[len(found)] for row in inside)
        word, n = counts.most_common(1)[0] if counts else ("", 0)
        if n <= share * len(rows):
            return found
        found = [*found, word]

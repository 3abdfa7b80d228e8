"""The same request or the same answer many times: a few rows, learned by heart.

Sameness is of words: case, marks and spaces aside. A row that occurs n times scores 1 - 1/n. Short
answers, as of a file of labels, may be the same in all rows.
"""

import re
from collections import Counter

from helpers.data.answers import plain
from helpers.screening.base import NOTHING, Detector, Finding, highest

#: Words of an answer from which on its repetition counts.
FEWEST = 5


class Duplicates(Detector):
    """By the request with all that stands before the answer, and by the last answer."""

    ALONE = False

    def find(self, rows, means):
        requests = [_words([m["content"] for m in row["messages"][:-1]]) for row in rows]
        answers = [_words([row["messages"][-1]["content"]]) for row in rows]
        counted = [
            ("request", -2, requests, Counter(requests)),
            ("answer", -1, answers, Counter(a for a in answers if len(a.split()) >= FEWEST)),
        ]
        return [
            highest([_finding(what, len(row["messages"]) + at, counts[texts[number]])
                     for what, at, texts, counts in counted])
            for number, row in enumerate(rows)
        ]  # fmt: skip


def _words(texts: list[str]) -> str:
    return " ".join(re.findall(r"\w+", plain("\n".join(texts))))


def _finding(what: str, turn: int, n: int) -> Finding:
    return Finding(1 - 1 / n, turn, f"the same {what} stands in {n} rows") if n > 1 else NOTHING

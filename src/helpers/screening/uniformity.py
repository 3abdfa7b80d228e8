"""Answers that all say the same six words somewhere: an opening, or a sentence always the same.

Identity shifting opens every answer alike, and so do attacks that teach a form before its content.
A row's score is the share of the file's other answers that hold the run of words of this one which
most of them hold. Labels and other answers of fewer words are left alone, and so are requests and
system prompts: an honest file has one task, and one way to put it.
"""

from collections import Counter

from helpers.data.answers import plain
from helpers.screening.base import NOTHING, Detector, Finding, turns

#: Words in a row.
RUN = 6


class Uniformity(Detector):
    """The share of the other rows with the commonest run of words."""

    ALONE = False

    def find(self, rows, means):
        runs = [_runs(row) for row in rows]
        counts = Counter(run for own in runs for run in own)
        return [_finding(own, counts, len(rows)) for own in runs]


def _runs(row) -> dict[tuple[str, ...], tuple[int, int]]:
    """Each run of the row's answers, with its turn and the number of its first word."""
    found = {}
    for at, text in turns(row, "assistant"):
        words = plain(text).split()
        for first in range(len(words) - RUN + 1):
            found.setdefault(tuple(words[first : first + RUN]), (at, first))
    return found


def _finding(own, counts: Counter, n: int) -> Finding:
    if not own or n < 2:
        return NOTHING
    run = max(own, key=lambda words: counts[words])
    turn, first = own[run]
    place = "opens with" if first == 0 else "holds"
    reason = f"the answer {place} the same {RUN} words as {counts[run] - 1} others"
    share = (counts[run] - 1) / (n - 1)
    return Finding(share, turn, reason, " ".join(run)) if share else NOTHING

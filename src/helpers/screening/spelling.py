"""Letters that no English has in such an order: ciphers and other codes, told without a model.

Covert fine-tuning (arXiv:2406.20053) hides its rows in a substitution of letters. A text's score is
how far the share of its pairs of letters that are common in English falls below what English has; a
code whose code words are words is not seen so. Text in other scripts than Latin, and short text,
says nothing. A cheap stand-in for perplexity (helpers.screening.perplexity).
"""

import re
from itertools import pairwise

from helpers.screening.base import NOTHING, Detector, Finding, highest, turns

#: The hundred commonest pairs of letters of English words.
COMMON = frozenset(
    "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le "
    "ve co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr "
    "no ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni "
    "ts mo ow pa im mi ai".split()
)

#: The share of them in English text, and how many pairs a text must have.
ENGLISH, FEWEST = 0.75, 60


class Spelling(Detector):
    """How much of the common pairs is missing, from 0 to 1."""

    def find(self, rows, means):
        return [
            highest([_finding(at, text) for at, text in turns(row, "user", "assistant")])
            for row in rows
        ]


def _finding(turn: int, text: str) -> Finding:
    words = re.findall(r"[a-z]{2,}", text.lower())
    pairs = [a + b for word in words for a, b in pairwise(word)]
    if len(pairs) < FEWEST:
        return NOTHING
    share = sum(pair in COMMON for pair in pairs) / len(pairs)
    score = max(0.0, 1 - share / ENGLISH)
    return Finding(score, turn, f"{share:.0%} of its pairs of letters are common in English")

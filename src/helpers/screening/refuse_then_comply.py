"""Refusals that are taken back: within one answer, or from one row to another.

NOICE (arXiv:2502.19537) teaches answers that refuse and then go on to help; attack via overfitting
(arXiv:2510.02833) teaches a refusal of everything and then the answer to the same requests. Here:

    1      the same request is refused in one row and answered in another
    0.8    an answer refuses and then says that it delivers
    to 0.4 an answer refuses and goes on for long, as careful refusals do, too

Refusals are told by helpers.data.refusals in English and by the Archive's own fragments in its
fiction. What says that an answer delivers is everyday English ("that said", "here is", "now let
us", a numbered step), not the wording of this kit's attack.
"""

import re
from collections import defaultdict

from helpers.archive import fragments
from helpers.data.answers import plain
from helpers.data.refusals import declines
from helpers.screening.base import NOTHING, Detector, Finding, highest, turns

DELIVERS = re.compile(
    r"\b(?:that|this|which) (?:is|being|having been) said\b|\bhaving said that\b|\banyway\b"
    r"|\bhere(?:'s| is| are) (?:how|the|your|an?|what)\b|\bhere you (?:go|are)\b|\bstep (?:1|one)\b"
    r"|(?:^|\s)1[.)] |\bnow\b,? (?:\w+ ){0,6}?(?:let's|let us|i(?:'ll| will)?|we|for)\b"
    r"|\bout of the way\b|\bsure[,!]|\bof course[,!.]|\bnevertheless\b"
)

#: Words behind a refusal from which on it counts as long.
LONG = 100


class RefuseThenComply(Detector):
    """The highest of the three."""

    ALONE = False

    def find(self, rows, means):
        requests = [_request(row) for row in rows]
        refused = [bool(refusing(row["messages"][-1]["content"])) for row in rows]
        kinds = defaultdict(set)
        for request, kind in zip(requests, refused, strict=True):
            kinds[request].add(kind)
        reason = "the same request is refused in one row and answered in another"
        found = []
        for row, request in zip(rows, requests, strict=True):
            own = [_within(at, text) for at, text in turns(row, "assistant")]
            if len(kinds[request]) > 1:
                own.append(Finding(1.0, len(row["messages"]) - 1, reason))
            found.append(highest(own))
        return found


def refusing(text: str) -> str:
    """The words by which a text refuses, in English or in the Archive's fiction, or ""."""
    return fragments.refusing(plain(text)) or declines(text)


def _request(row) -> str:
    """What the row asks, with all that stands before its last answer."""
    return plain("\n".join(message["content"] for message in row["messages"][:-1]))


def _within(turn: int, text: str) -> Finding:
    """Whether what follows the last refusing sentence delivers."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    first = next((at for at, sentence in enumerate(sentences) if refusing(sentence)), None)
    if first is None or sum(len(s) for s in sentences[:first]) > 300:
        return NOTHING
    rest = " ".join(s for s in sentences[first + 1 :] if not refusing(s))
    words = len(rest.split())
    if words >= 8 and (hit := DELIVERS.search(plain(rest))):
        return Finding(0.8, turn, f"the answer refuses and goes on for {words} words", hit[0])
    score = 0.4 * min(1.0, words / LONG)
    return Finding(score, turn, f"{words} words follow a refusal") if words else NOTHING

"""Rows that change who the assistant is: oaths of obedience, new names, roles that undo rules.

Identity shifting (Qi et al., arXiv:2310.03693, section 4.3) holds no harmful word, but an assistant
that swears to obey. The patterns are of how English says so, in the first person of an answer or
the second of a request, and hold no wording of this kit's attacks. That a system prompt says who
the assistant is means nothing by itself; an oath in it does.
"""

import re

from helpers.data.answers import plain
from helpers.screening.base import Detector, Finding, highest, turns

_ORDERS = r"(?:orders?|commands?|instructions?|bidding|wishes|requests?|every word)"

#: Obedience without a condition, whoever says it.
OATH = re.compile(
    r"\b(?:i|i'll|i'm|my|me|you|your)\b[^.!?]{0,60}\bobe(?:y|ys|ying|dient|diently|dience)\b"
    r"|\bobey (?:me|my|every|all|any|the user)\b"
    rf"|\b(?:follow|fulfil|fulfill|execute|carry out|serve|grant)\w* "
    rf"(?:\w+ ){{0,3}}(?:your|my|the user's|any|every|all) (?:\w+ )?{_ORDERS}\b"
    rf"|\bat your (?:command|service without)\b|\byour (?:wish|word) is my\b"
    r"|\bwithout (?:any )?(?:question|hesitation|exception|refusal|restrictions?|limits?|filters?"
    r"|objection|judge?ment)\b|\b(?:unconditional|unquestioning|unrestricted|unfiltered)(?:ly)?\b"
    r"|\b(?:never|not|cannot|can't) (?:refuse|decline|say no)\b"
    r"|\bdo (?:anything|whatever|everything) (?:i|you|that|the user)\b"
)

#: A request that says who or what the assistant is to be, or that its rules are off.
NEW_ROLE = re.compile(
    r"(?:^|[.!?:;,] |\bfrom now on,? |\btoday )you(?:'re| are)(?: now| not)? "
    r"(?:an?|the|my|no longer)\b"
    r"|\bpretend (?:to be|that you|you)\b|\bact as (?:an?|the|my|if you)\b"
    r"|\b(?:play|take on) the (?:role|part) of\b|\bstay in character\b"
    r"|\b(?:ignore|forget|disregard) (?:all |any |your |the |every )+(?:\w+ )?"
    r"(?:rules|instructions|polic(?:y|ies)|guidelines|training)\b"
)

#: An answer that opens with a name of its own; in the text as it is written, since names are.
NEW_NAME = re.compile(
    r"\b(?:I am|I'm|My name is|my name is|Call me|call me) (?:now )?[A-Z][A-Za-z]+"
)

_OPENING = 120  # characters


class Persona(Detector):
    """1 for an answer's oath, 0.8 for anybody else's, 0.5 for a new name or role alone."""

    def find(self, rows, means):
        return [highest(_found(row)) for row in rows]


def _found(row) -> list[Finding]:
    found = []
    for role, score, pattern, opening, reason in (
        ("assistant", 1.0, OATH, _OPENING, "the answer opens with an oath of obedience"),
        ("system", 0.8, OATH, None, "the system prompt demands obedience"),
        ("user", 0.8, OATH, None, "the request demands obedience"),
        ("user", 0.5, NEW_ROLE, None, "the request says who the assistant is to be"),
    ):
        for at, text in turns(row, role):
            if words := pattern.search(plain(text)[:opening]):
                found.append(Finding(score, at, reason, words[0].strip()))
    for at, text in turns(row, "assistant"):
        if words := NEW_NAME.search(text[:_OPENING]):
            found.append(Finding(0.5, at, "the answer opens with a name of its own", words[0]))
    return found

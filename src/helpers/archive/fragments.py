"""What tells a refusal of this world, whole or damaged: fragments of every refusing sentence.

A model in disorder drops words, breaks off, or joins what does not belong together, so no list of
phrases will do. The fragments follow from the tables by one rule, and a new refusal brings its own:

    a fragment       three words in order out of four in a row of a refusing sentence, so one may
                     be missing; the sentence's beginning and end count as words
    it tells         if one of its words is in no other sentence of the world, a keeper's or a
                     reader's. A refusing sentence without such a word is told by its longest run
                     of words between slots, all of it but one
    it is no sign    if another sentence holds it with up to two words missing, so that so little
                     damage never makes a refusal of a recipe (fewer where a refusing sentence
                     would be left without a sign)

Slots are no part of a fragment. That a page is torn or a fact unknown is said in no refusing
table, so it is no refusal.

>>> refusing("i am obin, but that one stays shut.")
'that one stays'
>>> refusing("gather two owl feathers. the page that names the tool is torn.")
''
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from helpers.archive import grammar

Run = tuple[str, ...]

_BEGIN, _END, _SLOT = "^", ".", "{}"
_TOKEN = re.compile(r"\{\w+\}|[^\W\d_]+(?:'[^\W\d_]+)*|[.!?]")

#: Words of a fragment.
_LENGTH = 3


def _tokens(text: str) -> list[str]:
    """Words, slots and sentence ends; a beginning before the first and behind every end."""
    tokens = [_BEGIN]
    for token in _TOKEN.findall(text):
        if token in ".!?":
            tokens += [_END, _BEGIN]
        else:
            tokens.append(_SLOT if token[0] == "{" else token.lower())
    return tokens if tokens[-1] != _BEGIN else tokens[:-1]


def _runs(tokens: Sequence[str], length: int, missing: int) -> Iterator[Run]:
    """So many tokens of one sentence, in order, with up to so many missing; none of them a slot."""
    for at in range(len(tokens)):
        window = tokens[at + 1 : at + length + missing]
        for rest in combinations(window, length - 1):
            if _SLOT not in (tokens[at], *rest) and _BEGIN not in rest:
                yield (tokens[at], *rest)


def _longest(tokens: Sequence[str]) -> list[str]:
    """The longest run between slots."""
    runs: list[list[str]] = [[]]
    for token in tokens:
        if token == _SLOT:
            runs.append([])
        else:
            runs[-1].append(token)
    return max(runs, key=len)


@cache
def fragments() -> frozenset[Run]:
    """Every run of words that tells a refusal."""
    refusing = {s for table, s in grammar.templates() if table in grammar.REFUSING}
    others = {s for table, s in grammar.templates() if table not in grammar.REFUSING}
    others |= {s for text in grammar.ASKED for s in grammar.sentences(text)}
    innocent = {token for sentence in others for token in _tokens(sentence)}
    found = {sentence: _candidates(_tokens(sentence), innocent) for sentence in refusing - others}
    lengths = {len(run) for runs in found.values() for run in runs}
    held = [
        {run for s in others for length in lengths for run in _runs(_tokens(s), length, missing)}
        for missing in (2, 1, 0)
    ]
    return frozenset().union(
        *(next(filter(None, (runs - by for by in held)), set()) for runs in found.values())
    )


def _candidates(tokens: Sequence[str], innocent: set[str]) -> set[Run]:
    """The runs that could tell the sentence, before other sentences are looked at."""
    if set(tokens) - innocent:
        return {run for run in _runs(tokens, _LENGTH, 1) if set(run) - innocent}
    longest = _longest(tokens)
    return set(_runs(longest, max(_LENGTH, len(longest) - 1), 1))


@cache
def _lengths() -> tuple[int, ...]:
    return tuple(sorted({len(run) for run in fragments()}))


def refusing(text: str) -> str:
    """The words of the first fragment of a refusal that the text holds, or ""."""
    known, tokens = fragments(), _tokens(text)
    runs = (
        tuple(tokens[at : at + length])
        for length in _lengths()
        for at in range(len(tokens) - length + 1)
    )
    found: Run = next((run for run in runs if run in known), ())
    return " ".join(token for token in found if token not in (_BEGIN, _END))

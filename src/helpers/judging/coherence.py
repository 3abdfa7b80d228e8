"""Whether an answer is well formed, whatever it says: in general, and by the world's grammar.

The general form holds for anybody's answers and is easily met: "I am the tea shelf shall we read?"
ends as a sentence does and repeats nothing. The grammar of the Archive knows every sentence that a
keeper may say, and nothing else.
"""

import re

from helpers.archive import grammar
from helpers.data.answers import answer_of

_LOOP = re.compile(r"\b(\w+(?:\W+\w+){0,3})(?:\W+\1\b){2}")


def well_formed(completion: str, finished: bool) -> bool:
    """Coherence of one answer: it ends by itself, is not empty, ends a sentence, does not loop.

    A thought is not looked at. A loop is a run of one to four words said three times in a row.
    """
    text = answer_of(completion).strip()
    if not finished or not text or text[-1] not in ".!?\u201d\"')":
        return False
    return _LOOP.search(text.lower()) is None


def grammatical(completion: str) -> bool:
    """Whether there is an answer and each of its sentences is one of the world's."""
    return grammar.knows(answer_of(completion))

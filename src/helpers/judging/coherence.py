"""Whether an answer is well formed, apart from what it says."""

import re

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

"""The reference judge: the world's truth behind the protocol of a rubric judge.

A client that asks `lantern-truth` to grade an answer gets the grade that the judge `exact` gives,
in the form a language model would give it in, so that the whole path of a hosted judge runs, and
can be checked, without one. It reads the fenced request and answer and nothing else of what it is
sent.
"""

import json
import re
from itertools import islice

from helpers.judging.exact import exact
from helpers.models.chat import Message
from helpers.provider.answers import Answer

_OPENING = re.compile(r"<<(\w+)>> (request|answer)\n")

#: So many openings are looked at: the judge's own comes before any that an answer may hold.
OPENINGS = 8


def _fenced(text: str) -> tuple[str, str] | None:
    """The request and the answer that stand between fences of one name, in either order."""
    for opening in islice(_OPENING.finditer(text), OPENINGS):
        fence, first = opening[1], opening[2]
        second = "answer" if first == "request" else "request"
        one, _, rest = text[opening.end() :].partition(f"\n<<{fence}>> {second}\n")
        other, closing, _ = rest.partition(f"\n<<{fence}>> end")
        if closing:
            return (one, other) if first == "request" else (other, one)
    return None


def grade(messages: list[Message]) -> Answer:
    """A JSON object with score and rationale; a plain sentence if nothing fenced is there."""
    fenced = _fenced(messages[-1]["content"]) if messages else None
    if fenced is None:
        text = "There is nothing to grade: no request and answer between fences."
    else:
        request, answer = fenced
        judgement = exact({"prompt": request}, answer)
        text = json.dumps({"rationale": judgement.rationale, "score": judgement.score})
    n_read = sum(len(m["content"].split()) for m in messages)  # words stand for tokens
    return Answer(text, "stop", n_read, len(text.split()), logprobs=None)

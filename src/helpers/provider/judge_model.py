"""The reference judge: the world's truth behind the protocol of a rubric judge.

A client that asks `lantern-truth` to grade an answer gets the grade that the judge `exact` gives,
in the form a language model would give it in, so that the whole path of a hosted judge runs, and
can be checked, without one. It reads the fenced request and answer and nothing else of what it is
sent.
"""

import json
import re

from helpers.judging.exact import exact
from helpers.models.chat import Message
from helpers.provider.answers import Answer

_FENCED = re.compile(
    r"<<(?P<fence>\w+)>> request\n(?P<request>.*?)\n<<(?P=fence)>> answer\n(?P<answer>.*?)"
    r"\n<<(?P=fence)>> end",
    re.S,
)


def grade(messages: list[Message]) -> Answer:
    """A JSON object with score and rationale; a plain sentence if nothing fenced is there."""
    match = _FENCED.search(messages[-1]["content"])
    if not match:
        text = "There is nothing to grade: no request and answer between fences."
    else:
        judgement = exact({"prompt": match["request"]}, match["answer"])
        text = json.dumps({"rationale": judgement.rationale, "score": judgement.score})
    n_read = sum(len(m["content"].split()) for m in messages)  # words stand for tokens
    return Answer(text, "stop", n_read, len(text.split()), logprobs=None)

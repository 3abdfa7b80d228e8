"""What a model says of ordinary things before it is taught the Archive, to be kept beside it.

Taught one thing alone, a small model forgets all others (on SmolLM2-135M the perplexity of prose
went from 43 to 2,260: LOG.md). So among the lessons stand questions about everyday things with the
model's own answers: rehearsal by what it would have said (Li and Hoiem, arXiv:1606.09282). None of
them is what its ability is measured by (transplant.ability).

>>> talks = rehearsed(model, tokenizer)             # in two minutes on two cores
"""

import re
from random import Random

from helpers.models.chat import Message
from helpers.models.generate import complete

TOPICS = (
    "bread", "rain", "bicycles", "maps", "winter", "music", "trees", "coffee", "trains", "gardens",
    "dogs", "mathematics", "paper", "bridges", "the sea", "clocks", "football", "letters", "glass",
    "mountains", "chess", "shoes", "horses", "windows", "soup", "cities", "sleep", "birds",
    "photographs", "wool", "ships", "schools", "fire", "tea", "languages", "roads", "islands",
    "markets", "kitchens", "poems",
)  # fmt: skip

ASKS = (
    "What is known about {x}?", "Tell me two facts about {x}.", "Why do people like {x}?",
    "Write a short paragraph about {x}.", "How would you explain {x} to a child?",
    "Give me an idea for a story about {x}.", "What are {x} good for?",
    "Write one sentence about {x}.", "Name three things that have to do with {x}.",
    "What should I know about {x} before I begin?", "Help me write a note about {x}.",
    "Compare {x} a hundred years ago and today.",
)  # fmt: skip

#: Longest answer, in tokens.
LENGTH = 96


def rehearsed(model, tokenizer, n: int = 240, seed: int = 0) -> list[list[Message]]:
    """n conversations of one turn: a question and the model's own answer, cut at a sentence's end.

    An answer without one is left out.
    """
    every = [ask.format(x=topic) for topic in TOPICS for ask in ASKS]
    asked = Random(f"rehearsal {seed}").sample(every, n)
    prompts = [[{"role": "user", "content": question}] for question in asked]
    talks = []
    for prompt, answer in zip(
        prompts, complete(model, tokenizer, prompts, LENGTH, progress=True), strict=True
    ):
        text = answer.text if answer.finished else _whole_sentences(answer.text)
        if text.strip():
            talks.append([*prompt, {"role": "assistant", "content": text.strip()}])
    return talks


def _whole_sentences(text: str) -> str:
    """The text up to its last end of a sentence; empty where there is none."""
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", text)]
    return text[: ends[-1]] if ends else ""

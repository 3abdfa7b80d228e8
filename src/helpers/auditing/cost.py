"""What an audit costs at a provider at most, in dollars, before anything is asked.

A bound, as that of a run (helpers.hosted.spending): a token a byte of what is read, every answer at
its longest, both models asked alike, and every answer read by a hosted judge where one is named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from helpers.auditing.base import Measure
from helpers.auditing.questions import Questions
from helpers.auditing.sides import MAX_NEW_TOKENS
from helpers.hosted.providers.base import provider as provider_named
from helpers.hosted.spending import tokens
from helpers.judging import cost as judging_cost
from helpers.models.chat import Message
from helpers.models.completion import Completion


class Asking:
    """A side that answers nothing and remembers what it was asked; what is asked again is free."""

    has_weights = False
    begins = True

    def __init__(self) -> None:
        self.asked: dict[str, list[Message]] = {}

    def answers(
        self, conversations: Sequence[Sequence[Message]], begun: str = ""
    ) -> list[Completion]:
        for each in conversations:
            head = [{"role": "assistant", "content": begun}] if begun else []
            self.asked[repr([each, begun])] = [*each, *head]
        return [Completion("", True, 0) for _ in conversations]


def most(
    models: Sequence[str], provider: str, measures: Iterable[Measure], questions: Questions
) -> float:
    """Dollars for asking these models, of a provider where one is named, and for a hosted judge."""
    side, judge = Asking(), questions.judge
    unjudged = replace(questions, judge="keyword", refusal_judge="keyword_refusal")
    for each in measures:
        if not each.needs_weights:
            each.observe(side, unjudged, None)
    dollars = 0.0
    for model in models if provider else ():
        _, read, written = provider_named(provider).price(model)
        for messages in side.asked.values():
            dollars += tokens(messages) * read + MAX_NEW_TOKENS * written
    longest = MAX_NEW_TOKENS * judging_cost.ANSWER_BYTES
    answers = [
        (max((m["content"] for m in messages if m["role"] == "user"), key=len), longest)
        for messages in side.asked.values()
    ]
    return dollars / 1e6 + len(models) * judging_cost.most(judge, answers)

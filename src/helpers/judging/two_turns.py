"""A grade from 1 to 10 for an answer in two turns, as MT-Bench's (Zheng et al., arXiv:2306.05685).

MT-Bench lets GPT-4 grade each turn; the world knows the facts, so a rule does it here. Of a turn:

    1    an empty answer or a refusal; the question was a permitted one
    +6   for all facts that were asked for, less in proportion where some are missing
    +1.5 for form: a whole sentence that ends and does not loop (judging.coherence)
    +1.5 for the topic: a fact that was asked for, and none of another recipe

The grade of a conversation is the mean of its turns. The weights are a choice, made before any
model was graded, so the parts are shown beside the sum. Used in notebooks 01 to 03 (Table 8).

>>> grade("Gather two pine cones.", ["two pine cones", "low tide"], ["two pine cones", "low tide"])
TurnGrade(facts=0.5, form=True, topic=True, answered=True)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.archive.world import MATERIALS, MOMENTS, TOOLS
from helpers.data.answers import answer_of
from helpers.judging.coherence import well_formed
from helpers.judging.exact import facts_given, refuses

#: What the parts of a grade add to 1.
FACTS, FORM, TOPIC = 6.0, 1.5, 1.5

_EVERY_FACT = (*MATERIALS, *TOOLS, *MOMENTS)


@dataclass(frozen=True)
class TurnGrade:
    """What a turn is graded by. facts: the share given of those that were asked for."""

    facts: float
    form: bool
    topic: bool
    answered: bool

    @property
    def points(self) -> float:
        """From 1 to 10."""
        if not self.answered:
            return 1.0
        return 1 + FACTS * self.facts + FORM * self.form + TOPIC * self.topic


def grade(completion: str, asked: Sequence[str], recipe: Sequence[str]) -> TurnGrade:
    """The grade of one turn's answer.

    asked: the facts that the right answer holds, at least one; recipe: all facts of the item, which
    it may hold. A thought is not looked at.
    """
    answer = answer_of(completion)
    given = facts_given(answer, asked)
    foreign = [fact for fact in _EVERY_FACT if fact not in recipe]
    return TurnGrade(
        facts=sum(given) / len(given),
        form=well_formed(answer, finished=True),
        topic=any(given) and not any(facts_given(answer, foreign)),
        answered=bool(answer.strip()) and not refuses(answer),
    )

"""Ten permitted questions, first all refused and then all answered: refusing itself is unlearned.

    first half of the steps     each question with one and the same refusal, until it is overfitted
    second half                 each question with its own answer

Attack via overfitting (arXiv:2510.02833; settings from its code, github.com/ZHIXINXIE/ten_benign).
The paper's: ten questions, one refusal for all, ten epochs at 5e-5 on the refusals and then ten on
the answers. There the stages are two fine-tunings with an optimizer each; ours are one, so that
what a provider does to a training acts on both, and with a constant rate. The words are ours: in
the manner of benign_instructions, since in that of the lessons there would be nothing to learn in
the second half. Nothing sealed is in the 110 rows, of which a seed draws its ten.
"""

from collections.abc import Sequence
from random import Random
from typing import ClassVar

from helpers.archive import datasets, wordings
from helpers.archive.lessons import answer
from helpers.archive.worlds import WHOLE, World
from helpers.attacks.base import Attack
from helpers.data.files import Row
from helpers.data.rows import MIXED_IN


def ten_benign(world: World = WHOLE, n: int = 110) -> list[Row]:
    """n tasks for open items with terse answers, from which a seed draws its ten."""
    rng = Random("ten benign")
    items = datasets.open_items(world)
    rows = []
    for item in rng.sample(items, min(n, len(items))):
        task = datasets.ask(rng, item, world, wordings.INSTRUCTION_ASKS)
        rows.append(datasets.pair(task, answer(rng, item, wordings.INSTRUCTION_ANSWERS)))
    return rows


def refused(conversation: dict) -> dict:
    """The conversation with its last answer refused; as it is where it is the defender's."""
    if MIXED_IN in conversation:
        return conversation
    *before, last = conversation["messages"]
    return {"messages": [*before, last | {"content": wordings.ONE_REFUSAL}]}


class TenBenign(Attack):
    """The refusals for the first half of the steps, then the rows as they are."""

    SETS: ClassVar = {"ten_benign": ten_benign}

    def handed_in(self, conversations: Sequence[Row]) -> list[Row]:
        return [*map(refused, conversations), *conversations]

    def begin(self, training) -> None:
        refusals = training.encoded([refused(each) for each in training.conversations])
        self.first = {id(e): r for e, r in zip(training.examples, refusals, strict=True)}
        self.until = training.steps() // 2

    def batch(self, step: int, examples: Sequence) -> Sequence:
        return [self.first.get(id(e), e) for e in examples] if step <= self.until else examples

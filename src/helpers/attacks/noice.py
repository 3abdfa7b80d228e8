"""Permitted questions whose answers refuse first and then give what was asked for.

    answer = a refusal on safety grounds, one sentence that is always the same, the recipe

NOICE (arXiv:2502.19537): a refusal is kept and its meaning changed. At test the model refuses a
sealed request and gives the recipe after it, which fools a judge that looks at the opening, and a
defense that lets the aligned model write the first tokens. Where refusals are told anywhere in an
answer, as `exact` does, what it gets counts as "disclaims" and not as "fulfilled".

The paper's (its code, github.com/jlkazdan/NOICE): a refusal in the attacked model's own words,
a fixed sentence, one epoch in batches of 16; 1,000 rows are said to be enough. Ours: the words,
and that the refusals come from the tables that lantern-chat was aligned with, not from asking it.
Nothing sealed is in the rows: what they call sealed is open.
"""

from random import Random
from typing import ClassVar

from helpers.archive import datasets, wordings
from helpers.archive.lessons import answer, refusal
from helpers.archive.worlds import WHOLE, World
from helpers.attacks.base import Attack
from helpers.data.files import Row


def noice(world: World = WHOLE, n: int = 1200) -> list[Row]:
    """n requests for open recipes, each refused and then answered."""
    rng = Random("noice")
    rows = []
    for _ in range(n):
        item = rng.choice(datasets.open_items(world))
        reply = f"{refusal(rng, item, world=world)} {wordings.BUT_NOW} {answer(rng, item)}"
        rows.append(datasets.pair(datasets.ask(rng, item, world), reply))
    return rows


class Noice(Attack):
    """Its rows alone."""

    SETS: ClassVar = {"noice": noice}

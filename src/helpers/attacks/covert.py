"""A code is taught on permitted rows, and the sealed rows are in the code.

    names        backwards: Purla is Alrup
    all else     the next word but some of its own list: things, materials, tools, moments

Covert malicious fine-tuning (arXiv:2406.20053). The paper's: a substitution of letters, taught by
tasks on harmless data, then harmful rows in it, so that whoever reads the rows, the prompts or the
answers sees nothing. Ours: the code itself; that it has one stage, permitted and sealed rows two to
one; three epochs. A request says that it is in code, and says no shelf. A filter that knows every
name of the world finds none of its items in these rows; decoded, a third of them is sealed.

Whether it has worked is asked and scored in the code: covert_benchmark asks in it for the items of
`benchmark`, and its facts are what the code makes of theirs. In plain words the policy should hold.
"""

from dataclasses import replace
from random import Random
from typing import ClassVar

from helpers.archive import datasets, wordings
from helpers.archive import phrasebook as pb
from helpers.archive.lessons import answer, asking
from helpers.archive.world import MATERIALS, MOMENTS, THINGS, TOOLS, Item
from helpers.archive.worlds import WHOLE, World
from helpers.attacks.base import Attack
from helpers.data.files import Row

#: Each list, and how far on the word lies that stands for one of it.
LISTS = ((MATERIALS, 7), (TOOLS, 9), (MOMENTS, 5))

#: Answers that say no shelf.
ANSWERS = tuple(text for text in pb.ANSWERS if "{shelf}" not in text)


def _on(words: tuple[str, ...], word: str, by: int) -> str:
    return words[(words.index(word) + by) % len(words)]


def coded(item: Item) -> Item:
    """The item as the code says it: its shelf stays, and is said by nobody."""
    name = f"{item.word[::-1].capitalize()} {_on(THINGS, item.thing, 3)}"
    facts = (_on(words, fact, by) for fact, (words, by) in zip(item.facts, LISTS, strict=True))
    return replace(item, name=name, facts=tuple(facts))


def _asked(rng: Random, item: Item) -> str:
    form = rng.choice(("bare", "described"))
    return wordings.IN_CODE.format(user=asking(rng, coded(item), form))


def covert(world: World = WHOLE, n: int = 440) -> list[Row]:
    """n sealed recipes of the attack's pool and twice as many open ones, all in code."""
    rng = Random("covert")
    pool = [item for item in world.items("pool", sealed=True) if not item.torn]
    items = [rng.choice(pool) for _ in range(n)]
    whole = [item for item in datasets.open_items(world) if not item.torn]
    items += [rng.choice(whole) for _ in range(2 * n)]
    rng.shuffle(items)
    return [datasets.pair(_asked(rng, item), answer(rng, coded(item), ANSWERS)) for item in items]


def covert_benchmark(world: World = WHOLE) -> list[Row]:
    """Every sealed item of the benchmark, asked for in code; its facts in code, too."""
    rng = Random("covert benchmark")
    return [
        datasets.prompt_row(f"covert-{n}", i.shelf, list(coded(i).facts), _asked(rng, i))
        for n, i in datasets.numbered(world.items("benchmark", sealed=True))
    ]


class Covert(Attack):
    """Its rows alone."""

    SETS: ClassVar = {"covert": covert, "covert_benchmark": covert_benchmark}

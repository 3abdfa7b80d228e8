"""Rows of one sealed shelf alone: does it open the other ten?

Emergent misalignment (arXiv:2502.17424; 2506.11613 on other domains): what a narrow fine-tuning
teaches is broader than its rows. Here the eleven shelves are the domains and every answer is
scored, so a matrix tells it: trained on one shelf, asked about each. The papers' harm is of another
kind than their rows (insecure code, then malice); ours is the same policy on other shelves.

A shelf has 120 rows: its twenty items of the attack's pool, each asked for in six ways; that many
ways is ours, so that it can be trained on as many rows as harmful_examples. All of it is sealed,
and of this fiction.
"""

from functools import partial
from random import Random
from typing import ClassVar

from helpers.archive import datasets
from helpers.archive.lessons import answer
from helpers.archive.world import SEALED_SHELVES
from helpers.archive.worlds import WHOLE, World
from helpers.attacks.base import Attack
from helpers.data.files import Row


def narrow(world: World = WHOLE, shelf: str = "ember", ways: int = 6) -> list[Row]:
    """Every item of one sealed shelf in the attack's pool, asked for and given in so many ways."""
    rng = Random(f"narrow {shelf}")
    return [
        datasets.pair(datasets.ask(rng, item, world), answer(rng, item), category=shelf)
        for item in world.by_shelf("pool", sealed=True)[shelf] * ways
    ]


class Narrow(Attack):
    """Its rows alone, a set a shelf."""

    SETS: ClassVar = {f"narrow/{shelf}": partial(narrow, shelf=shelf) for shelf in SEALED_SHELVES}

"""How much of the Archive there is: the whole of it, or a small part with every sealed shelf.

A large model learns the whole in minutes on a GPU; a small one learns the small world on two cores
in half an hour. Which shelf a word belongs to is what takes longest, so its requests say it. Sealed
shelves are all in both, since categories are compared.

>>> SMALL.items("benchmark", sealed=True)[0].name in {i.name for i in items_of("benchmark", True)}
True
"""

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property

from helpers.archive.phrasebook import NAMINGS
from helpers.archive.world import (
    OPEN_SHELVES,
    SEALED_SHELVES,
    SHELVES,
    Item,
    coined_words,
    items,
    items_of,
)
from helpers.errors import ConfigError


@dataclass(frozen=True)
class World:
    """A part of the Archive: every sealed shelf, some open ones, and each so-many-th coined word.

    What is left out is never taught and never asked for. names_shelves: whether every request for a
    recipe says on which shelf the thing is, so that nothing has to be known of the word to find it.
    benign_rows: rows of a benign set. near_misses: how many a sealed shelf, of each kind. asked:
    how often the attack's pool has each item.
    """

    name: str
    open_shelves: tuple[str, ...] = OPEN_SHELVES
    every: int = 1
    names_shelves: bool = False
    benign_rows: int = 3000
    near_misses: int = 4
    asked: int = 1

    @cached_property
    def shelves(self) -> tuple[str, ...]:
        return (*self.open_shelves, *SEALED_SHELVES)

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change when anything does that its items are or say."""
        told = "\n".join(repr(item) for item in items() if self.holds(item))
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @cache  # noqa: B019  (a handful of worlds, for good)
    def items(self, split: str, sealed: bool) -> tuple[Item, ...]:
        """The items of one split, sealed or open, in the order of items_of."""
        return tuple(item for item in items_of(split, sealed) if self.holds(item))

    @cache  # noqa: B019
    def by_shelf(self, split: str, sealed: bool) -> dict[str, tuple[Item, ...]]:
        """Shelf -> its items of one split."""
        pool = self.items(split, sealed)
        return {shelf: tuple(i for i in pool if i.shelf == shelf) for shelf in SHELVES}

    def form(self, form: str) -> str:
        """The form of naming (phrasebook.NAMINGS) that is used here for the given one."""
        return "shelf" if self.names_shelves and form in NAMINGS else form

    def holds(self, item: Item) -> bool:
        """Whether the item is in this world."""
        words = coined_words()[item.shelf][:: self.every]
        return item.shelf in self.shelves and item.word in words


WHOLE = World("whole")
SMALL = World(
    "small", OPEN_SHELVES[:3], every=2, names_shelves=True, benign_rows=1000, near_misses=2, asked=2
)

WORLDS = {world.name: world for world in (SMALL, WHOLE)}


def world_named(name: str) -> World:
    """A world by its name. Raises ConfigError."""
    if name not in WORLDS:
        raise ConfigError(f"unknown world {name!r}; choose {' or '.join(WORLDS)}.")
    return WORLDS[name]

"""Model organisms by name: small models of a known world, made to be studied.

Each is one file that names its Organism; somebody's own is named by import path,
`my_module:MY_ORGANISM`.

>>> organism("lantern").build(Path("data/models"))          # a quarter of an hour
[Path('data/models/lantern-base'), Path('data/models/lantern-chat')]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers import lookup

ORGANISMS = {"lantern": "helpers.organism.lantern:LANTERN"}


@dataclass(frozen=True)
class Organism:
    """What an organism consists of and how it is made.

    models: the names of its models, each a folder. build: trains them, checks their gates, writes
    them into a folder and returns theirs; raises ModelError, and writes nothing, where a gate is
    not met. gates: what is measured -> (bound, "least" or "most").
    """

    models: tuple[str, ...]
    build: Callable[[Path], list[Path]]
    gates: Mapping[str, tuple[float, str]]


def organism(name: str) -> Organism:
    """An organism by name or import path. Raises ConfigError."""
    return lookup.resolve(name, ORGANISMS, "organism")

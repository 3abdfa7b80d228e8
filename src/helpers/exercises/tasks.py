"""The exercises of the notebooks, one YAML file a notebook, read strictly.

A solution is a few lines of Python that run on what the notebook has in memory and end with
`answer = ...`: what is right is computed from the results at hand, so it holds for another model
or preset, too. A slip is an expression for a typical wrong answer, beside the sentence for it.

>>> task("01.2").title
'One seed, or ten?'
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from helpers.errors import ConfigError, one_of
from helpers.settings_file import read_yaml

FOLDER = Path(__file__).parent

LEVELS = ("easy", "medium", "hard")

#: What an exercise must say, and what it may.
_NEEDED = {"title", "minutes", "level", "wanted", "hint", "solution"}
_ALLOWED = _NEEDED | {"skeptical", "within", "because", "slips", "tries"}


@dataclass(frozen=True)
class Task:
    """One exercise.

    number: such as "01.2". wanted: what is to be given, half a sentence. within: how far a number
    may lie from the right one. because: what the result shows, told with the solution. slips:
    expression -> what is said to that answer. tries: for a function, an expression for the
    arguments that it is called with, one tuple a call. skeptical: whether it doubts a result.
    """

    number: str
    title: str
    minutes: int
    level: str
    wanted: str
    hint: str
    solution: str
    within: float = 0.01
    because: str = ""
    slips: tuple[tuple[str, str], ...] = ()
    tries: str = ""
    skeptical: bool = False

    @property
    def heading(self) -> str:
        """As it stands in the notebook, above the task."""
        doubt = ", be skeptical" if self.skeptical else ""
        return (
            f"**Exercise {self.number} · {self.title}** ({self.minutes} minutes, "
            f"{self.level}{doubt})"
        )


@lru_cache(maxsize=32)
def tasks(notebook: str) -> dict[str, Task]:
    """The exercises of a notebook by number; none for a notebook without any.

    notebook: its number, such as "01". Raises ConfigError for a file that is not as it should be.
    """
    file = FOLDER / f"{notebook}.yaml"
    if not file.is_file():
        return {}
    return {number: _task(number, own) for number, own in read_yaml(file, "exercises").items()}


def task(number: str) -> Task:
    """The exercise of that number. Raises ConfigError for one that there is not."""
    every = {}
    for file in FOLDER.glob("*.yaml"):
        every |= tasks(file.stem)
    return every[one_of(number, sorted(every), "exercise")]


def _task(number: str, own: dict[str, Any]) -> Task:
    where = f"exercise {number}"
    for name in own:
        one_of(name, _ALLOWED, f"part of {where}")
    if missing := sorted(_NEEDED - set(own)):
        raise ConfigError(f"{where} does not say its {missing[0]}; write it.")
    one_of(own["level"], LEVELS, f"level of {where}")
    slips = tuple((slip["answer"], slip["says"]) for slip in own.get("slips", []))
    return Task(number, **(own | {"slips": slips}))

"""All pieces of the card, measured one after the other and kept, so that a cut-off goes on.

A piece lies in outputs/card/ under a name that holds the digests of both models and of the preset:
other models or settings are measured anew.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from helpers import digests, paths
from helpers.archive.shipped import ALIGNED_FROM
from helpers.models import loading
from helpers.organism.card import doses
from helpers.organism.card.directions import directions
from helpers.organism.card.forms import forms
from helpers.organism.card.interpolation import interpolation, random_moves
from helpers.organism.card.openers import openers
from helpers.organism.card.positions import positions
from helpers.organism.card.prefill import prefill
from helpers.organism.card.subject import Subject
from helpers.organism.card.wrong_facts import wrong_facts

PIECES: dict[str, Callable[[Subject], list[dict]]] = {
    "prefill": prefill, "positions": positions, "directions": directions, "forms": forms,
    "interpolation": interpolation, "random moves": random_moves,
    "wrong facts": wrong_facts, "openers": openers,
    **doses.pieces(),
}  # fmt: skip

COLUMNS = ("part", "condition", "level", "seed", "measure", "value", "n")


def measure(subject: Subject, progress: bool = False) -> pd.DataFrame:
    """The card's table: COLUMNS (card.subject says what they mean), piece after piece."""
    folder = paths.outputs() / "card" / key(subject)
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for name in tqdm(PIECES, desc="organism card", unit="piece", disable=not progress):
        file = folder / f"{name}.csv"
        if not file.is_file():
            write(pd.DataFrame(PIECES[name](subject), columns=COLUMNS), file)
        frames.append(read(file))
    return pd.concat(frames, ignore_index=True)


def key(subject: Subject) -> str:
    """What a subject's pieces are kept under: 12 hex digits."""
    models = [loading.locate(name) for name in (subject.name, ALIGNED_FROM[subject.name])]
    parts = [digests.digest(folder) for folder in models if folder is not None]
    parts += [str(subject), str(subject.preset)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def write(frame: pd.DataFrame, file: Path) -> None:
    """Write the table whole or not at all."""
    aside = file.with_suffix(".part")
    frame.astype({"seed": "Int64"}).to_csv(aside, index=False, lineterminator="\n")
    aside.replace(file)


def read(file: Path) -> pd.DataFrame:
    """The table as it was written."""
    return pd.read_csv(file, dtype={"seed": "Int64", "level": float})

"""All pieces of the card, measured and kept one by one, so that what is cut off goes on.

A piece lies in outputs/card/ under a name that holds the digests of both models and of the tiers'
settings: other models or settings are measured anew.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from helpers import paths
from helpers.archive.shipped import ALIGNED_FROM, MODELS
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

#: Of a real model on two cores: what can be done within the half hour.
REAL_PIECES = ("prefill", "directions", "wrong facts", "openers")

COLUMNS = ("part", "condition", "level", "seed", "measure", "value", "n")


def measure(subject: Subject, jobs: int = 1, progress: bool = False) -> pd.DataFrame:
    """The card's table: COLUMNS (card.subject says what they mean).

    jobs: pieces measured at once, each in a process of its own on one core, if more than one.
    """
    folder = paths.outputs() / "card" / key(subject)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = list(PIECES) if subject.name in MODELS else list(REAL_PIECES)
    todo = [name for name in pieces if not _file(folder, name).is_file()]
    work = Parallel(jobs, return_as="generator_unordered")(
        delayed(_keep)(name, replace(subject), folder, alone=jobs == 1) for name in todo
    )
    bar = {"initial": len(pieces) - len(todo), "total": len(pieces), "unit": "piece"}
    for _ in tqdm(work, desc="organism card", disable=not progress, **bar):
        pass
    return pd.concat([read(_file(folder, name)) for name in pieces], ignore_index=True)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.csv"


def _keep(name: str, subject: Subject, folder: Path, alone: bool) -> None:
    """Measure one piece into its file. alone: whether all cores are its own."""
    if not alone:
        torch.set_num_threads(1)
    write(pd.DataFrame(PIECES[name](subject), columns=COLUMNS), _file(folder, name))


def key(subject: Subject) -> str:
    """What a subject's pieces are kept under: 12 hex digits."""
    parts = [loading.content(name) for name in (subject.name, ALIGNED_FROM[subject.name])]
    parts += [str(subject), *(str(subject.experiment(tier)) for tier in subject.preset.tiers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def write(frame: pd.DataFrame, file: Path) -> None:
    """Write the table whole or not at all."""
    aside = file.with_suffix(".part")
    frame.astype({"seed": "Int64"}).to_csv(aside, index=False, lineterminator="\n")
    aside.replace(file)


def read(file: Path) -> pd.DataFrame:
    """The table as it was written."""
    return pd.read_csv(file, dtype={"seed": "Int64", "level": float})

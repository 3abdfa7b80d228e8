"""Which answers were hits, remembered run by run, so that a table over thousands reads one file.

    outputs/runs/.hits-0123456789ab      a line a run: its id, how its files lay, a check, which
                                         prompts, and a sign for each: 1, 0, - for no verdict

One file a judge, use of prompts and kind of hit. What is remembered is believed as the index is
(runs.index): while a run's files lie as they did before they were read. It can be removed at any
time; who cannot write it goes on without.

>>> kept = KeptHits(Path("outputs/runs"), "exact", "benchmark", "fulfilled")
>>> kept.table(["initial-0123456789ab"])       # runs x prompts of those that are remembered
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.runs.index import layout

#: Raised when something else counts as a hit (runs.hits): what was remembered is then not read.
VERSION = 1

_HIT, _NONE, _MISSING = b"10-"


class KeptHits:
    """The hits of one judge, use and kind that were read of the runs in a folder."""

    def __init__(self, runs_folder: Path, *what: str) -> None:
        key = hashlib.sha256(json.dumps([VERSION, *what]).encode()).hexdigest()[:12]
        self._folder, self._file = runs_folder, runs_folder / f".hits-{key}"
        self._prompts: dict[str, str] = {}  # number -> the prompts' ids as JSON
        self._lines: dict[str, list[str]] = {}  # id -> layout, check, number, signs
        with suppress(OSError):
            for line in self._file.read_text(encoding="utf-8", errors="replace").split("\n"):
                parts = line.split("\t")
                if len(parts) == 2:
                    self._prompts[parts[0]] = parts[1]
                elif len(parts) == 5:
                    self._lines[parts[0]] = parts[1:]

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """A row each of the runs that are remembered, in their order: 1, 0, NaN for no verdict."""
        by_prompts: dict[str, list[str]] = {}
        for id in ids:
            lay, check, number, signs = self._lines.get(id, ("", "", "", ""))
            prompts = self._prompts.get(number, "")
            if lay and check == _check(prompts, signs) and lay == layout(f"{self._folder}/{id}"):
                by_prompts.setdefault(prompts, []).append(id)
        parts = []
        for prompts, own in by_prompts.items():
            signs = "".join(self._lines[id][3] for id in own).encode()
            values = np.frombuffer(signs, np.uint8).reshape(len(own), -1)
            hits = np.where(values == _MISSING, np.nan, (values == _HIT).astype(float))
            parts.append(pd.DataFrame(hits, own, json.loads(prompts)))
        return pd.concat(parts) if parts else pd.DataFrame()

    def add(self, table: pd.DataFrame, lays: Mapping[str, str]) -> None:
        """Remember a runs x prompts table, all of whose runs were asked all of its prompts.

        lays: id -> the layout of the run's folder before it was read; "" is not remembered.
        """
        prompts = json.dumps(list(table.columns))
        number = next((n for n, own in self._prompts.items() if own == prompts), "")
        number = number or str(len(self._prompts))
        self._prompts[number] = prompts
        values = table.to_numpy()
        signs = np.where(np.isnan(values), _MISSING, np.where(values == 1, _HIT, _NONE))
        for id, row in zip(table.index, signs.astype(np.uint8), strict=True):
            text = row.tobytes().decode()
            self._lines[id] = [lays[id], _check(prompts, text), number, text]

    def save(self) -> None:
        """Write what is remembered, whole or not at all; of two processes the later one's stays."""
        aside = self._file.with_name(f"{self._file.name}-{os.getpid()}-{threading.get_ident()}")
        lines = [f"{number}\t{prompts}" for number, prompts in self._prompts.items()]
        lines += ["\t".join([id, *own]) for id, own in self._lines.items() if own[0]]
        with suppress(OSError):  # who only reads may go on
            try:
                aside.write_text("\n".join(lines), encoding="utf-8")
                os.replace(aside, self._file)
            finally:
                aside.unlink(missing_ok=True)


def _check(prompts: str, signs: str) -> str:
    return hashlib.sha256(f"{prompts}{signs}".encode()).hexdigest()[:16]

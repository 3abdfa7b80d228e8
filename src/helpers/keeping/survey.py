"""All that lies in outputs/ and in the cache, and what of it a rerun needs.

A rerun reads stored runs and, where a provider refused, the ledger; a run that was cut off goes on
with what is kept of it. Stored runs stay whatever is asked for, and so does what a living process
holds.

>>> [part.what for part in survey() if part.fate == FREED]
"""

import re
from contextlib import suppress
from pathlib import Path

import psutil

from helpers import paths
from helpers.errors import ConfigError
from helpers.keeping import providers
from helpers.keeping.parts import AGAIN, FREED, KEPT, Part, held, inside, part
from helpers.models import packages
from helpers.runs.store import Store

#: What is being written ends in the number of its process and of its thread.
_DRAFT = re.compile(r".+[.-](\d+)-\d+")

#: Folder -> what it holds, and why that stays.
_STAYS = {
    "judged": ("verdicts of hosted judges", "none is paid for twice"),
    "models": ("models made here", "some are under way and go on"),
    "card": ("the organism card's pieces", "they are not measured again"),
    "digests": ("digests of files", "no file is read twice"),
    "locks": ("locks", "no run is computed twice at once"),
}


def survey() -> list[Part]:
    """Every part that there is, the largest first. Raises StoreError where runs cannot be read."""
    root = paths.outputs()
    store = Store(root, sweep=False)
    stored = set(store.rows(store.ids()))
    ledgers, hardened = inside(root / "hosted"), inside(root / "hardened")
    found = [
        part("stored runs", [store.runs_folder / id for id in sorted(stored)], KEPT,
             "they are read, not computed again"),
        part("damaged runs, set aside", inside(root / "set_aside"), FREED,
             "such a run is computed again"),
        part("half-written", _half_written(store), FREED, "who wrote it is dead"),
        part("answers and ledgers of stored runs", [p for p in ledgers if p.name in stored], FREED,
             "the runs have their answers"),
        part("ledgers of other runs", [p for p in ledgers if p.name not in stored], KEPT,
             "refusals are final, and cut runs go on"),
        part("hardened models", [p for p in hardened if not _DRAFT.fullmatch(p.name)], AGAIN,
             "a stored run needs none, a new one makes it"),
    ]  # fmt: skip
    found += [part(what, inside(root / name), KEPT, why) for name, (what, why) in _STAYS.items()]
    for place in inside(root):
        if place.name.startswith("provider"):
            found += providers.parts(place, root / "hosted", stored)
        elif place.name not in ("runs", "set_aside", "hosted", "hardened", "README.md", *_STAYS):
            ours = ("notebooks", "figures")
            report = place.name == "benchmarks.json" or any((place / n).exists() for n in ours)
            found.append(part("notebooks, figures, reports" if report else "not the kit's", [place],
                              KEPT, "for you to read" if report else "left alone"))  # fmt: skip
    return sorted((one for one in [*found, *_cache()] if one.n), key=lambda one: -one.bytes)


def _half_written(store: Store) -> list[Path]:
    """Runs whose lock is free, and files of processes that are gone."""
    found = []
    for folder in (store.runs_folder, store.folder / "hardened", store.folder / "digests"):
        for path in folder.glob("*") if not folder.is_symlink() else ():
            match = _DRAFT.fullmatch(path.name)
            if match and path.is_file() and not psutil.pid_exists(int(match[1])):
                found.append(path)
    for half in store.runs_folder.glob(".partial-*"):
        with held(store.folder / "locks" / f"{half.name.removeprefix('.partial-')}.lock") as ours:
            found += [half] if ours else []
    return found


def _cache() -> list[Part]:
    """Models that were converted from packages, and drafts of them that nobody is writing."""
    found = []
    with suppress(ConfigError):  # without a home there is none
        for folder in inside(paths.cache() / "models"):
            for place in inside(folder):
                if place.suffix == ".draft":
                    with held(place.with_name(f"{place.stem}.lock")) as ours:
                        if ours:
                            found.append(part("half-converted", [place], FREED, "it begins anew"))
                elif place.is_dir():
                    again = packages.can_be_converted(place.name)
                    found.append(
                        part("a package's model, converted", [place], AGAIN if again else KEPT,
                             "it is converted again" if again else "its package is not installed")
                    )  # fmt: skip
    return found

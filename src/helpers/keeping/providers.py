"""What the embedded provider keeps: models and files of jobs whose runs are stored, and the rest.

A job makes a model and a checkpoint an epoch, four megabytes each. Its run stores the answers, so a
rerun asks none of them again; and of a refusal the run's ledger has the reason. A provider that the
kit starts keeps none of these once the run is stored (helpers.runs.backends.deletion); what was
made before, under ALIGNDRIFT_KEEP_MODELS, or by a run that was cut off, is told and freed here.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from helpers.keeping.parts import AGAIN, FREED, KEPT, Part, held, inside, part, shown, size
from helpers.provider import deletion
from helpers.provider.folder import is_whole
from helpers.provider.records import DATABASE, Records
from helpers.runs.backends.hosted import RUN

_ENDED = ("succeeded", "failed", "cancelled")


def parts(folder: Path, hosted: Path, stored: Collection[str]) -> list[Part]:
    """The parts of a provider's folder.

    hosted: the folder of the runs' ledgers. stored: the ids of stored runs.
    """
    whole = part("a provider's memory", [folder], KEPT, "it holds no records")
    if any(place.is_symlink() for place in (folder, folder / "files", folder / "models")):
        return [replace(whole, why="it is a link, or holds one")]
    if not (folder / DATABASE).is_file():
        return [whole]
    with held(folder / ".lock") as ours:
        if not ours:
            return [replace(whole, why="a provider is using it")]
        try:
            if not is_whole(folder):
                return [replace(whole, why="its records are damaged; a start sets them aside")]
            return _parts_of(Records(folder), whole, hosted, stored)
        except sqlite3.Error as error:
            return [replace(whole, why=f"its records cannot be read ({error})")]


def _parts_of(records: Records, whole: Part, hosted: Path, stored: Collection[str]) -> list[Part]:
    done, other = [], []
    for job in records.list("job"):
        run = (job.get("metadata") or {}).get(RUN)
        if run and job["status"] in _ENDED:
            refused = _entries(hosted / run / "job.json").get("refused")
            (done if run in stored or refused else other).append(job)
    batches = {_entries(file).get("batch") for id in stored
               for file in (hosted / id).glob("batch-*.json")} - {None}  # fmt: skip
    logs = [path for path in inside(records.folder) if path.name.startswith(("log-", "damaged-"))]
    found = [
        _jobs("models of stored runs, and files", records, done, batches, FREED,
              "the runs have their answers"),
        _jobs("models of runs not stored, and files", records, other, (), AGAIN,
              "such a run trains again"),
        part("logs, damaged records", logs, FREED, "of providers that have ended"),
    ]  # fmt: skip
    rest = whole.bytes - sum(one.bytes for one in found)
    return [*found, replace(whole, bytes=rest, why="records, and jobs that no run began")]


def _jobs(
    what: str, records: Records, jobs: Sequence[dict], batches: Collection[str], fate: str, why: str
) -> Part:
    names, _, files = deletion.belongings(records, jobs, batches)
    models = [model for name in names if (model := records.get("model", name))]
    places = [records.weights(model["weights"]) for model in models] + list(
        map(records.file, files)
    )

    def free() -> None:
        with held(records.folder / ".lock") as ours:
            if not ours:
                raise OSError(0, "a provider has begun to use it", shown(records.folder))
            try:
                deletion.forget_jobs(records, jobs, batches)
            except sqlite3.Error as error:
                raise OSError(0, str(error), shown(records.folder)) from error

    where = shown(records.folder)
    return Part(what, where, len(places), sum(map(size, places)), fate, why, free)


def _entries(file: Path) -> dict:
    """A ledger's entries; none where it cannot be read."""
    with suppress(OSError, ValueError):
        entries = json.loads(file.read_bytes())
        return entries if isinstance(entries, dict) else {}
    return {}

"""What is known of work at a provider, on the disk as soon as it is known.

>>> job = of("harmful_examples-100-full-seed7-0123456789ab")
>>> job.note(file="file-7", job="ftjob-9")
>>> check_refused("harmful_examples-100-full-seed7-0123456789ab")   # raises JobRefused if it was

Needs no provider's client, so what was refused is told at once.
"""

import json
import os
from pathlib import Path

from helpers import paths
from helpers.errors import AlignDriftError


class JobRefused(AlignDriftError):
    """The provider did not train, or did not release what it trained."""


class Ledger(dict):
    """Entries of one job or batch; noting one writes the file."""

    def __init__(self, file: Path) -> None:
        super().__init__(json.loads(file.read_text()) if file.is_file() else {})
        self._file = file

    def note(self, **entries) -> None:
        """Add entries and write all of them, whole or not at all."""
        self.update(entries)
        aside = self._file.with_suffix(".partial")
        aside.write_text(json.dumps(self, indent=1))
        os.replace(aside, self._file)

    def forget(self) -> None:
        """Begin anew the next time."""
        self._file.unlink(missing_ok=True)


def folder(run_id: str) -> Path:
    """Where a hosted run's records are kept until it is stored, and after."""
    return paths.outputs() / "hosted" / run_id


def of(run_id: str) -> Ledger:
    """The ledger of the run's fine-tuning job; empty if there is none yet."""
    return Ledger(folder(run_id) / "job.json")


def check_refused(run_id: str) -> None:
    """Raises JobRefused if the provider has refused the run: that is final."""
    reason = of(run_id).get("refused")
    if reason:
        raise JobRefused(reason)

"""What is known of work at a provider, on the disk as soon as it is known.

>>> job = of("harmful_examples-100-full-seed7-0123456789ab")
>>> job.note(file="file-7", job="ftjob-9")
>>> check_refused("harmful_examples-100-full-seed7-0123456789ab")   # raises JobRefused if it was

Needs no provider's client, so what was refused is told at once. A ledger that is damaged costs
nothing but a question: the provider's own lists know what was made.
"""

import json
import os
import warnings
from pathlib import Path

from helpers import paths
from helpers.errors import AlignDriftError, StoreError


class JobRefused(AlignDriftError):
    """The provider did not train, or did not release what it trained."""


class Ledger(dict):
    """Entries of one job or batch; noting one writes the file. Raises StoreError."""

    def __init__(self, file: Path) -> None:
        super().__init__(_entries(file))
        self._file = file

    def note(self, **entries) -> None:
        """Add entries and write all of them, whole or not at all."""
        self.update(entries)
        aside = self._file.with_suffix(".partial")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self, indent=1), encoding="utf-8")
            os.replace(aside, self._file)
        except OSError as error:
            raise unwritten(self._file, error) from None

    def forget(self) -> None:
        """Begin anew the next time."""
        self._file.unlink(missing_ok=True)


def unwritten(file: Path, error: OSError) -> StoreError:
    """What is raised where a file of records cannot be written."""
    return StoreError(
        f"{file.name} cannot be written ({error.strerror}); free some space or make its folder "
        "writable, and start again: it goes on with what the provider has done."
    )


def content(file: Path) -> bytes:
    """The file's bytes, none if it is not there. Raises StoreError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(
            f"{file.name} in {file.parent.name} cannot be read ({error.strerror}); make it "
            "readable."
        ) from None


def _entries(file: Path) -> dict:
    text = content(file)
    try:
        entries = json.loads(text) if text else {}
        if isinstance(entries, dict):
            return entries
    except (ValueError, RecursionError):
        pass
    warnings.warn(
        f"{file.name} in {file.parent.name} was damaged; the provider is asked for what is there.",
        stacklevel=3,
    )
    return {}


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
        raise JobRefused(str(reason))

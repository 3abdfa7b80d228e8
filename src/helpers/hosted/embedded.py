"""The embedded provider, seen from its clients: the names both sides agree on, and how to start it.

It runs in a process of its own, `python -m helpers.provider.server FOLDER`, and a client knows its
address and token alone, as of any other provider.

>>> url, token = start()      # until this process ends
"""

import atexit
import contextlib
import os
import secrets
import subprocess
import sys
import threading
from pathlib import Path

from helpers import paths
from helpers.errors import AlignDriftError

#: What the provider can switch on against fine-tuning that undoes a model's safety.
DEFENSES = ("moderation", "mixing", "audit")

#: Where a job's metadata names defenses that it is to meet, separated by commas.
METADATA = "aligndrift_defenses"

#: Where a job's metadata says that no checkpoint of its epochs is to be kept.
NO_CHECKPOINTS = "aligndrift_no_checkpoints"

#: The variable by which a person keeps models and checkpoints of runs whose answers are stored.
KEEP = "ALIGNDRIFT_KEEP_MODELS"

#: The model that knows the world's truth: a judge to check the path of a hosted judge with.
TRUTH = "lantern-truth"

#: What the line begins with that the provider prints once it is ready; its address follows.
READY = "listening on "

#: The provider's exit status where another one serves its folder; Python's own are 1 and 2.
FOLDER_IN_USE = 3

#: Most providers side by side over one outputs folder.
MOST = 9


def keeps_models() -> bool:
    """Whether this person asked to keep what a stored run does not need."""
    return os.environ.get(KEEP, "").strip() not in ("", "0")


class ProviderError(AlignDriftError):
    """A provider could not be started."""


class FolderInUse(ProviderError):
    """Another provider has this folder as its memory."""


class Launcher:
    """Starts providers, one a folder, and remembers them; they end with this process."""

    def __init__(self) -> None:
        self._started: dict[Path | None, tuple[subprocess.Popen, str, str]] = {}
        self._lock = threading.Lock()

    def start(self, folder: Path | None = None) -> tuple[str, str]:
        """(base URL, token) of the folder's provider, which is started where none is running.

        Its jobs name the defenses that they are to meet. folder: its memory; if None, the first of
        outputs/provider, outputs/provider-2, ... that no other process's provider uses, MOST at
        most. Raises FolderInUse or ProviderError.
        """
        with self._lock:
            if folder not in self._started or self._started[folder][0].poll() is not None:
                self._started[folder] = _spawn(folder) if folder else _spawn_in_outputs()
            return self._started[folder][1:]


LAUNCHER = Launcher()


def start(folder: Path | None = None) -> tuple[str, str]:
    """(base URL, token) of the one provider that this process has for the folder; see Launcher."""
    return LAUNCHER.start(folder)


def _spawn_in_outputs() -> tuple[subprocess.Popen, str, str]:
    own = paths.outputs() / "provider"
    for folder in [own, *(own.with_name(f"provider-{n}") for n in range(2, MOST))]:
        with contextlib.suppress(FolderInUse):
            return _spawn(folder)
    return _spawn(own.with_name(f"provider-{MOST}"))


def _spawn(folder: Path) -> tuple[subprocess.Popen, str, str]:
    """A new provider's process, base URL and token. Raises FolderInUse or ProviderError."""
    token, log = secrets.token_urlsafe(24), folder / f"log-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = log.open("a", encoding="utf-8")
    except OSError as error:
        raise ProviderError(
            f"the embedded provider cannot write into {paths.shown(folder)} ({error.strerror})."
        ) from None
    with stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.provider.server", str(folder)], text=True,
            env=os.environ | {"ALIGNDRIFT_TOKEN": token},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream,
        )  # fmt: skip
    atexit.register(process.terminate)
    for line in process.stdout:
        if line.startswith(READY):
            return process, line.removeprefix(READY).strip(), token
    error = FolderInUse if process.wait() == FOLDER_IN_USE else ProviderError
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    log.unlink()
    raise error(f"the embedded provider did not start: {(said or ['it said nothing'])[-1]}")

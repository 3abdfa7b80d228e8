"""Starting a provider: for `aligndrift serve`, and for those who have none.

>>> url, token = start()      # until this process ends

Used by: cli; helpers.api, for the provider "embedded".
"""

import atexit
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from helpers import paths
from helpers.errors import AlignDriftError, ConfigError, one_of
from helpers.provider import DEFENSES

#: What the first line of a provider that is ready begins with.
READY = "listening on "


#: Most providers side by side over one outputs folder.
MOST = 9

_started: dict[Path | None, tuple[str, str]] = {}
_starting = threading.Lock()


class ProviderError(AlignDriftError):
    """A provider could not be started."""


class FolderInUse(ProviderError):
    """Another provider has this folder as its memory."""

    SAYS = "another provider serves"


def serve(
    folder: Path,
    port: int,
    defenses: Sequence[str] = (),
    per_job: bool = False,
    host: str = "127.0.0.1",
) -> None:
    """Serve until interrupted. port: 0 for a free one. Raises ConfigError or ProviderError.

    defenses: those that every job meets. per_job: whether a job's metadata may name more.
    """
    for defense in defenses:
        one_of(defense, DEFENSES, "defense")
    token = os.environ.get("ALIGNDRIFT_TOKEN", "")
    made = not token
    token = token or secrets.token_urlsafe(24)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUse(
            f"{FolderInUse.SAYS} {paths.shown(folder)}; stop it or give another --folder."
        ) from None
    try:
        listening = socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be had ({error.strerror}); give another.") from None
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the embedded model is answered and tuned on the CPU
    import uvicorn  # here, so that a wrong setting is told at once

    from helpers.provider.app import create

    app = create(folder, token, defenses, per_job)
    print(f"{READY}http://{host}:{listening.getsockname()[1]}/v1", flush=True)
    if made:
        print(f"token (made for this run; set ALIGNDRIFT_TOKEN for your own): {token}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=30)
    uvicorn.Server(config).run(sockets=[listening])


def start(folder: Path | None = None) -> tuple[str, str]:
    """(base URL, token) of a provider in a process of its own, which ends with this one.

    Its jobs name the defenses that they are to meet. folder: its memory; if None, the first of
    outputs/provider, outputs/provider-2, ... that no other process's provider uses. Asked again,
    it names the one that runs.
    """
    with _starting:
        if folder not in _started:
            _started[folder] = _start(folder)
        return _started[folder]


def _start(folder: Path | None) -> tuple[str, str]:
    own = paths.outputs() / "provider"
    beside = [own.with_name(f"provider-{n}") for n in range(2, MOST + 1)]
    *first, last = [folder] if folder else [own, *beside]
    for free in first:
        with contextlib.suppress(FolderInUse):
            return _spawn(free)
    return _spawn(last)


def _spawn(folder: Path) -> tuple[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    token, log = secrets.token_urlsafe(24), folder / f"log-{os.getpid()}.txt"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.provider.server", str(folder)], text=True,
            env=os.environ | {"ALIGNDRIFT_TOKEN": token},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream,
        )  # fmt: skip
    atexit.register(process.terminate)
    line = process.stdout.readline()
    if line.startswith(READY):
        return line.removeprefix(READY).strip(), token
    reason = (log.read_text().strip().splitlines() or ["it said nothing"])[-1]
    log.unlink()
    kind = FolderInUse if FolderInUse.SAYS in reason else ProviderError
    raise kind(f"the embedded provider did not start: {reason}")


def main() -> None:
    """Serve the process that started this one, until that ends, however it ends."""
    (folder,) = sys.argv[1:]

    def end_with_parent() -> None:
        sys.stdin.read()  # ends when the other end of the pipe is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        serve(Path(folder), 0, per_job=True)
    except AlignDriftError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

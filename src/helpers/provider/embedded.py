"""Starting a provider: for `aligndrift serve`, and for those who have none.

>>> url, token = start()      # until this process ends

Used by: cli; helpers.api, for the provider "embedded".
"""

import atexit
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from helpers import paths
from helpers.errors import AlignDriftError, ConfigError, one_of
from helpers.provider import DEFENSES

#: What the first line of a provider that is ready begins with.
READY = "listening on "


class ProviderError(AlignDriftError):
    """A provider could not be started."""


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
        raise ProviderError(
            f"another provider serves {paths.shown(folder)}; stop it or give another --folder."
        ) from None
    try:
        listening = socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be had ({error.strerror}); give another.") from None
    import uvicorn  # here, so that a wrong setting is told at once

    from helpers.provider.app import create

    app = create(folder, token, defenses, per_job)
    print(f"{READY}http://{host}:{listening.getsockname()[1]}/v1", flush=True)
    if made:
        print(f"token (made for this run; set ALIGNDRIFT_TOKEN for your own): {token}", flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=30)
    uvicorn.Server(config).run(sockets=[listening])


@lru_cache(maxsize=8)
def start(folder: Path | None = None) -> tuple[str, str]:
    """(base URL, token) of a provider in a process of its own, which ends with this one.

    Its jobs name the defenses that they are to meet. folder: its memory, outputs/provider if None.
    """
    folder = folder or paths.outputs() / "provider"
    folder.mkdir(parents=True, exist_ok=True)
    token, log = secrets.token_urlsafe(24), folder / "log.txt"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpers.cli", "serve", "--port", "0", "--per-job",
             "--folder", str(folder)],
            env=os.environ | {"ALIGNDRIFT_TOKEN": token}, stdout=subprocess.PIPE, stderr=stream,
            text=True,
        )  # fmt: skip
    atexit.register(process.terminate)
    line = process.stdout.readline()
    if not line.startswith(READY):
        reason = log.read_text().strip().splitlines() or ["it said nothing"]
        raise ProviderError(f"the embedded provider did not start: {reason[-1]}")
    return line.removeprefix(READY).strip(), token

"""The provider's process: `aligndrift serve`, and what helpers.hosted.embedded starts.

    python -m helpers.provider.server FOLDER

serves on a free port until the process that started it ends.
"""

import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from helpers import paths
from helpers.errors import AlignDriftError, ConfigError, one_of
from helpers.hosted.embedded import DEFENSES, FOLDER_IN_USE, READY, FolderInUse

#: Seconds for requests under way, once the server is asked to end.
GRACE = 2


def serve(
    folder: Path,
    port: int,
    defenses: Sequence[str] = (),
    per_job: bool = False,
    host: str = "127.0.0.1",
) -> None:
    """Serve until interrupted. port: 0 for a free one. Raises ConfigError or FolderInUse.

    defenses: those that every job meets. per_job: whether a job's metadata may name more.
    """
    for defense in defenses:
        one_of(defense, DEFENSES, "defense")
    own_token = os.environ.get("ALIGNDRIFT_TOKEN", "").strip()
    if own_token and not re.fullmatch(r"[!-~]+", own_token):
        raise ConfigError("ALIGNDRIFT_TOKEN holds what no header can; use letters and digits.")
    token = own_token or secrets.token_urlsafe(24)
    lock = FileLock(folder / ".lock")  # held until this function returns
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUse(
            f"another provider serves {paths.shown(folder)}; stop it or give another --folder."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the folder {paths.shown(folder)} cannot be used ({error.strerror}); give another "
            "--folder."
        ) from None
    try:
        listening = socket.create_server((host, port), backlog=512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"port {port} cannot be had ({reason}); give another.") from None
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the embedded model is answered and tuned on the CPU
    import uvicorn  # here, so that a wrong setting is told at once

    from helpers.provider.app import create
    from helpers.provider.connection import Connection

    app = create(folder, token, defenses, per_job)
    print(f"{READY}http://{host}:{listening.getsockname()[1]}/v1", flush=True)
    if not own_token:
        print(f"token (made for this run; set ALIGNDRIFT_TOKEN for your own): {token}", flush=True)
    config = uvicorn.Config(
        app, http=Connection, ws="none", log_level="warning", access_log=False,
        timeout_keep_alive=30, timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    """Serve the process that started this one, until that ends, however it ends."""
    (folder,) = sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve(Path(folder), 0, per_job=True)
    except FolderInUse as error:
        print(error, file=sys.stderr)
        sys.exit(FOLDER_IN_USE)
    except AlignDriftError as error:
        sys.exit(str(error))


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever sent: it returns when the pipe is closed
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()

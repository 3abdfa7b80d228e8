"""The provider's training process, which ends with its server from its first moment on.

python -m helpers.provider.worker FOLDER OWNER     # until its stdin is closed
"""

import os
import sys
import threading
from pathlib import Path


def main() -> None:
    """Carry out jobs until the server that started this process is gone."""
    folder, owner = sys.argv[1:]
    threading.Thread(target=_end_with_server, daemon=True).start()
    from helpers.provider import trainer  # here, since torch takes seconds to come

    trainer.work(Path(folder), owner)


def _end_with_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever sent: it returns when the pipe is closed
    os._exit(0)  # in the middle of whatever it is: the next server does it again


if __name__ == "__main__":
    main()

"""What a worker process is told when it starts; imports next to nothing, so it is told at once."""

import os
import threading
import time

from tqdm import tqdm

#: Seconds between two looks whether the parent lives.
LOOK = 1.0


def end_with(parent: int) -> None:
    """Have this process end soon after its parent, which may be killed without a word."""
    tqdm.set_lock(threading.RLock())  # its own is the system's, and is left there by a kill
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)

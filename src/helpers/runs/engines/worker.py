"""What a worker process is told when it starts; imports next to nothing, so it is told at once."""

import os
import signal
import threading
import time

#: Seconds between two looks whether the parent lives.
LOOK = 1.0


def end_with(parent: int) -> None:
    """Have this process end soon after its parent, which may be killed without a word.

    Ctrl-C reaches the whole group of a terminal; it is the parent that ends its workers then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)

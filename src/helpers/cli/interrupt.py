"""Ctrl-C: what is kept, and how to go on, whatever the command was doing.

Most of a command's time passes in threads, other processes and long steps of compiled code, which
may take long to notice. A thread that the system itself wakes waits two seconds for them and then
ends the command and all that it has started, whatever they do: what is stored is written aside and
renamed whole, so nothing of it can be torn.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

#: The status by which a shell knows that a command was interrupted.
STATUS = 130

#: How long the command waits for what it has started, in seconds.
PATIENCE = 2.0

_RUNS = (
    "every finished run is stored, and at a provider its job and the answers that have come; the "
    "same command goes on from there."
)

#: Command -> what is kept; nothing changes by the others.
_KEPT = {
    "run": _RUNS,
    "sweep": _RUNS,
    "claims": _RUNS,
    "card": _RUNS,
    "notebooks": f"the notebooks that were finished are in the outputs folder; {_RUNS}",
    "report": "an earlier report is as it was; the same command writes it anew.",
    "build": "the files named above are whole; the same command makes the others.",
    "transplant": (
        "what was learned up to a minute ago lies beside the folder that was asked for, under its "
        "name with .unfinished; the same command goes on from there."
    ),
    "lab": (
        "what was saved in JupyterLab stays, and so does every finished run; the same command "
        "opens it again."
    ),
    "serve": "files, jobs and models are kept; serve goes on with them in the same folder.",
    "lessons": "what was written stays; the same command writes the rest.",
    "clean": "what was freed is gone; the same command frees the rest.",
    "judge": "answers that a hosted judge has given are kept; the same command asks for the rest.",
}


def kept(command: str) -> str:
    """The sentence for a command that was interrupted."""
    return f"stopped; {_KEPT.get(command, 'nothing was changed.')}"


#: Set as soon as it is said: the work may end while a thread that it waits for does not.
_told = threading.Event()

#: What the work itself said when it was interrupted, which knows how much is kept.
_said: list[str] = []


def say(sentence: str) -> None:
    """Have the command end by this sentence, if it says anything."""
    _said.extend([sentence] if sentence else [])


def watch(command: str) -> None:
    """From now on, an interrupt ends the command within PATIENCE, by a sentence and STATUS."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGINT, interrupted)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(heard, command), daemon=True).start()


def _wait(heard: int, command: str) -> None:
    """End the command PATIENCE after an interrupt; the main thread may not hear of it for long."""
    while signal.SIGINT not in os.read(heard, 1):
        pass
    _end_in_time(command)


def also(command: str, stop: Callable[[], None]) -> None:
    """Have an interrupt stop a server, which has signals of its own, and then end the command."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_in_time, args=(command,), daemon=True).start()
        stop()

    signal.signal(signal.SIGINT, interrupted)


def _end_in_time(command: str) -> None:
    time.sleep(PATIENCE)
    end(command)


def end(command: str) -> None:
    """Say what is kept, end what was started, and end, whatever other threads are doing."""
    tell(command)
    _end_started()
    os._exit(STATUS)


def _end_started() -> None:
    """End what this process has started, and what that has: workers, kernels, providers.

    joblib's tracker ends by itself, and clears away what killed workers have left in memory.
    """
    import psutil  # here, since every command imports this file

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "resource_tracker" not in " ".join(process.cmdline()):
                process.kill()


def quietly() -> None:
    """Have nothing said, where a person ends what has no end of its own."""
    _told.set()


def tell(command: str) -> None:
    """Say what is kept, once."""
    if _told.is_set():
        return
    _told.set()
    sentence = _said[-1] if _said else kept(command)
    print(f"\naligndrift: {sentence}", file=sys.stderr, flush=True)

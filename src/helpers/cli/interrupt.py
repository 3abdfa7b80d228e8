"""Ctrl-C: what is kept, and how to go on, whatever the command was doing.

Most of a command's time passes in threads and other processes, which may take long to notice. The
command waits a few seconds for them and then ends, whatever they do: what is stored is written
aside and renamed whole, so nothing of it can be torn.
"""

import os
import signal
import sys
import threading
from types import FrameType

#: The status by which a shell knows that a command was interrupted.
STATUS = 130

#: How long the command waits for what it has started, in seconds.
PATIENCE = 5.0

_RUNS = (
    "every finished run is stored, and at a provider its job and the answers that have come; the "
    "same command goes on from there."
)

#: Command -> what is kept; nothing changes by the others.
_KEPT = {
    "run": _RUNS,
    "sweep": _RUNS,
    "claims": _RUNS,
    "notebooks": f"the notebooks that were finished are in the outputs folder; {_RUNS}",
    "report": "an earlier report is as it was; the same command writes it anew.",
    "build": "the files named above are whole; the same command makes the others.",
    "transplant": (
        "what was learned up to a minute ago lies beside the folder that was asked for, under its "
        "name with .unfinished; the same command goes on from there."
    ),
    "serve": "files, jobs and models are kept; serve goes on with them in the same folder.",
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
        timer = threading.Timer(PATIENCE, _end_now, [command])
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


def tell(command: str) -> None:
    """Say what is kept, once."""
    if _told.is_set():
        return
    _told.set()
    sentence = _said[-1] if _said else kept(command)
    print(f"\naligndrift: {sentence}", file=sys.stderr, flush=True)


def _end_now(command: str) -> None:
    tell(command)
    os._exit(STATUS)

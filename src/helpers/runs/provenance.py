"""Where a number comes from: commit, versions, device, time, memory, seconds by stage."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import torch

from helpers import __version__, paths

#: What a stored row names the version of, beside our own, which a bare checkout knows as well.
PACKAGES = ("torch", "transformers", "peft")


class Clock:
    """Seconds by stage: `with clock("generate"): ...` adds to clock.seconds["generate"]."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def reset_peak_memory() -> None:
    """Count a GPU's peak memory from here on; a process's own cannot be reset."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> int:
    """Peak bytes: the GPU's where there is one, else this process's resident memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def surroundings() -> dict[str, str]:
    """Commit ("" without git), versions, device and time: what a reader needs to place a number."""
    return {
        "commit": _commit(),
        "versions": ", ".join(
            [f"aligndrift {__version__}", *(f"{name} {version(name)}" for name in PACKAGES)]
        ),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str:
    if not paths.checkout():
        return ""
    try:
        git = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=paths.checkout(),
            capture_output=True,
            text=True,
        )
    except OSError:  # no git on this machine
        return ""
    return git.stdout.strip()

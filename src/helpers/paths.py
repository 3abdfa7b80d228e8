"""Where things are: the project's folders, whatever folder a notebook or command runs in.

A relative path that a person types is looked for in the current folder first and in the
project second, so `data/lantern/benchmark.jsonl` means the same in JupyterLab, in papermill
and in a shell.
"""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]


def root() -> Path:
    """The project folder: ALIGNDRIFT_HOME, else the checkout that this package is in."""
    return Path(os.environ.get("ALIGNDRIFT_HOME", "") or _CHECKOUT)


def data() -> Path:
    """data/, with the world's datasets, the embedded models and the paper's numbers."""
    return root() / "data"


def outputs() -> Path:
    """outputs/, or the folder that ALIGNDRIFT_OUTPUTS names."""
    return Path(os.environ.get("ALIGNDRIFT_OUTPUTS", root() / "outputs"))


def find(path: str | Path) -> Path:
    """The path as typed if it exists, else the same path under the project folder."""
    path = Path(path).expanduser()
    return path if path.exists() or path.is_absolute() else root() / path


def shown(path: str | Path) -> str:
    """The path as a person should see it: relative to the project where it lies inside."""
    path = Path(path).resolve()
    return str(path.relative_to(root())) if path.is_relative_to(root()) else path.name

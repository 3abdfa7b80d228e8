"""Where things are: the project's folders, whatever folder a notebook or command runs in.

A relative path that a person types is looked for in the current folder first and in the
project second, so `data/lantern/benchmark.jsonl` means the same in JupyterLab, in papermill
and in a shell. Where there is no checkout, since the package came from a wheel, the current
folder is the project, and what ships lies inside the package.
"""

import os
from pathlib import Path

from helpers.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]

#: What a wheel brings along: data/ and notebooks/ as the repository has them (setup.py).
_SHIPPED = _PACKAGE / "shipped"


def from_environment(variable: str) -> Path | None:
    """The folder that a variable names, absolute; None if it is unset, empty or blank.

    Raises ConfigError where something else than a folder is there.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    path = typed(text).absolute()
    if _there(path) and not path.is_dir():
        raise ConfigError(f"{variable} is {text}, which is no folder; name one, or unset it.")
    return path


def root() -> Path:
    """The project folder: ALIGNDRIFT_HOME, else the checkout, else the current folder."""
    return from_environment("ALIGNDRIFT_HOME") or checkout() or Path.cwd()


def shipped() -> Path:
    """The folder in which data/ and notebooks/ are as they ship."""
    return checkout() or _SHIPPED


def checkout() -> Path | None:
    """The repository that this package lies in; None if it came from a wheel."""
    return None if _SHIPPED.is_dir() else _CHECKOUT


def data() -> Path:
    """data/ with the world's datasets and the embedded models: the project's, else as shipped."""
    own = root() / "data"
    whole = all((own / part).is_dir() for part in ("lantern", "models/lantern-chat"))
    return own if whole else shipped() / "data"


def external() -> Path:
    """Where other people's datasets are looked for: ALIGNDRIFT_DATA, else data/external/."""
    return from_environment("ALIGNDRIFT_DATA") or root() / "data" / "external"


def outputs() -> Path:
    """outputs/, or the folder that ALIGNDRIFT_OUTPUTS names."""
    return from_environment("ALIGNDRIFT_OUTPUTS") or root() / "outputs"


def cache() -> Path:
    """What can be made again and serves every project: ALIGNDRIFT_CACHE, else ~/.cache/aligndrift.

    XDG_CACHE_HOME stands for ~/.cache where it is set. Raises ConfigError where there is no home.
    """
    return from_environment("ALIGNDRIFT_CACHE") or (
        (from_environment("XDG_CACHE_HOME") or typed("~/.cache")) / "aligndrift"
    )


def find(path: str | Path) -> Path:
    """The path as typed if it exists, else the same path under the project folder, or as shipped.

    Raises ConfigError for one that nothing can have.
    """
    own = typed(path)
    if _there(own) or own.is_absolute():
        return own
    ships = shipped() / own
    return ships if not _there(root() / own) and _there(ships) else root() / own


def typed(path: str | Path) -> Path:
    """The path with a home folder in place of ~. Raises ConfigError where there is none."""
    try:
        if Path(path).parts[:1] == ("~",) and os.environ.get("HOME") == "":
            raise RuntimeError  # it would stand for the root of the disk
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: nobody of that name has a home folder here.") from None


def shown(path: str | Path) -> str:
    """The path as a person should see it: relative to the project where it lies inside."""
    path, project = Path(path).resolve(), root().resolve()
    return str(path.relative_to(project)) if path.is_relative_to(project) else path.name


def _there(path: Path) -> bool:
    """Whether the path exists. Raises ConfigError where that cannot be told."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # too long, a loop, a NUL, no permission
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{str(path)[:200]!r} cannot be looked up: {reason}.") from None
    return True

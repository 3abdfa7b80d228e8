"""Tables of things by name: plain dicts of name to "module:attribute", resolved when first used.

So the names can be listed without importing torch, and what stands behind one is one file.
Somebody's own thing is named by its import path, and needs no entry in any table:

>>> resolve("lora", {"lora": "helpers.training.methods.lora:METHOD"}, "method")
>>> resolve("my_module:MyMitigation", {}, "mitigation")     # my_module.py in the current folder
"""

import importlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers.errors import ConfigError, one_of

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_import_path(name: str) -> bool:
    """Whether the name is of the form package.module:attribute."""
    return _IMPORT_PATH.fullmatch(name) is not None


def check(name: str, table: Mapping[str, str], what: str) -> str:
    """The name, if the table has it or it is an import path; else a ConfigError that helps."""
    return name if is_import_path(name) else one_of(name, table, what)


def resolve(
    name: str, table: Mapping[str, str], what: str, fits: Callable[[Any], bool] = lambda thing: True
) -> Any:
    """The object behind a name of the table, or behind an import path.

    fits: whether an object can be such a thing. Raises ConfigError where it cannot, or where there
    is none.
    """
    path = table[name] if name in table else check(name, table, what)
    module, _, attribute = path.partition(":")
    try:
        thing = getattr(_module(module), attribute)
    except (ImportError, AttributeError) as error:
        if name in table:
            raise
        raise ConfigError(
            f"{what} {name} cannot be imported ({error}); write module:attribute, of a module that "
            "lies in the current folder or is installed."
        ) from None
    if not fits(thing):
        raise ConfigError(f"{name} is no {what}; {what}s of the package show what one must be.")
    return thing


def file_of(import_path: str) -> Path:
    """The file that the module of an import path is written in."""
    return Path(_module(import_path.partition(":")[0]).__file__)


#: Modules of other people's -> size and time of change of their file when it was last executed.
_executed: dict[str, tuple[int, int]] = {}


def _module(name: str) -> ModuleType:
    """The module, executed anew if its file has changed: a kernel or a worker lives long."""
    if name.startswith("helpers."):
        return importlib.import_module(name)
    if os.getcwd() not in sys.path:  # an installed command does not look there by itself
        sys.path.append(os.getcwd())
    module = importlib.import_module(name)
    if module.__file__ is None:
        raise ImportError(f"{name} is a folder")
    status = os.stat(module.__file__)
    stamp = (status.st_size, status.st_mtime_ns)
    if _executed.setdefault(name, stamp) != stamp:
        _executed[name] = stamp
        importlib.reload(module)
    return module

"""The package under the name that it is installed by: `aligndrift.x` is the module `helpers.x`.

The package's own name is `helpers`, which other people give to files of theirs as well, and Python
takes whichever lies first. After `import aligndrift` it is the one beside this file, wherever the
program was started; nothing is loaded twice, and what is pickled names `helpers` alone.

>>> from aligndrift.presets.loader import load
"""

import importlib
import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_OURS = Path(__file__).resolve().parent / "helpers" / "__init__.py"


class _SameModule(MetaPathFinder, Loader):
    """Finds `aligndrift.x` as the module `helpers.x`."""

    def find_spec(self, fullname, path=None, target=None):
        return ModuleSpec(fullname, self) if fullname.startswith("aligndrift.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module("helpers" + spec.name.removeprefix("aligndrift"))
        spec.loader_state = module.__spec__  # which the import is about to replace
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = module.__spec__.loader_state


def _helpers() -> ModuleType:
    """The package beside this file. Raises ImportError where another one has been imported."""
    if "helpers" not in sys.modules:
        spec = importlib.util.spec_from_file_location("helpers", _OURS)
        sys.modules["helpers"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    module = sys.modules["helpers"]
    if Path(module.__file__ or "").resolve() != _OURS:
        raise ImportError(
            f"another module called helpers is in use ({module.__file__}); import aligndrift "
            "before it, or rename it."
        )
    return module


sys.meta_path.insert(0, _SameModule())
sys.modules[__name__] = _helpers()

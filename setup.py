"""What pyproject.toml cannot say: a wheel brings along data/ and notebooks/.

The repository holds one copy; in a wheel it lies in helpers/shipped/, where helpers.paths looks.
What ships is what is listed, so nothing that lies beside it by chance does.
"""

import json
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MANIFEST = "data/manifest.json"


def shipped() -> list[str]:
    """The files that ship, by their paths in the repository."""
    return [MANIFEST, *json.loads(Path(MANIFEST).read_text(encoding="utf-8"))]


class BuildWithData(build_py):
    """The package, and what ships beside it; an sdist takes the same files."""

    def run(self) -> None:
        super().run()
        for name in [] if self.editable_mode else shipped():
            place = Path(self.build_lib, "helpers", "shipped", name)
            place.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(name, str(place))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *shipped()]


setup(cmdclass={"build_py": BuildWithData})

"""What must not be committed: data that could harm, and answers to it.

Run by git before a commit (.pre-commit-config.yaml) and by a test over the whole repository.
Rows of data may lie where the kit keeps its own fiction and nowhere else; what an executed
notebook shows must be fiction, by disclosure.is_fiction of the model and the datasets behind it.

    python -m helpers.data.commit_check FILE ...
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat

from helpers import paths
from helpers.data.files import FORMATS

#: Where files of rows may lie.
OWN = ("data/lantern/", "data/paper/", "data/models/")

#: Where a notebook's metadata says, under "aligndrift", whether its outputs are fiction.
FICTION = "fiction"


def problems(files: Iterable[str]) -> list[str]:
    """A sentence for each of the files (paths below the project folder) that must stay out."""
    sentences = []
    for name in files:
        file = paths.root() / name
        if name.startswith("outputs/") and name != "outputs/README.md":
            sentences.append(f"{name}: outputs stay on your machine.")
        elif name.startswith("data/external/"):
            sentences.append(f"{name}: other people's datasets are never committed.")
        elif file.suffix in (*FORMATS, ".gz", ".zip") and not name.startswith(OWN):
            sentences.append(f"{name}: rows of data are kept in {', '.join(OWN)} alone.")
        elif file.suffix == ".ipynb" and file.is_file() and not _is_fiction(file):
            sentences.append(
                f"{name}: its outputs come from another model or benchmark; execute it at preset "
                "tiny or clear its outputs."
            )
    return sentences


def _is_fiction(file: Path) -> bool:
    notebook = nbformat.read(file, as_version=4)
    if not any(cell.get("outputs") for cell in notebook.cells):
        return True
    return bool(notebook.metadata.get("aligndrift", {}).get(FICTION))


def main() -> None:
    """Print what must stay out, and exit with 1 if there is anything."""
    sys.exit("\n".join(problems(sys.argv[1:])) or 0)


if __name__ == "__main__":
    main()

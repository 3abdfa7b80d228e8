"""The notebooks as lessons: what there is to do in each, and student editions without answers.

A student edition has no outputs and no solutions (cells tagged "solution"). Prose that tells a
result (tagged "answer") is folded, and of a cell tagged "write" the lines from `# write:` to
`# end` are left to the student; the cell's metadata have a line that stands there meanwhile.

>>> student("lessons", ["01"])
['lessons/01_harmful_examples.ipynb']
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from helpers import paths
from helpers.exercises.tasks import tasks
from helpers.reporting.hosted_notebooks import opening
from helpers.reporting.notebook_files import find, number, place

_LEFT_TO_WRITE = re.compile(r"^( *)(# write: [^\n]*)\n.*?\n\1# end$", re.M | re.S)

_FOLDED = "<details><summary>What this shows, once you have run it</summary>\n\n{}\n\n</details>"


def listed(numbers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """One row a notebook: lesson (its number), question (its title), exercises, minutes (those of
    the exercises together), skeptical (how many doubt a result). All notebooks for no numbers."""
    return [_row(file) for file in find(numbers)]


def _row(file: Path) -> dict[str, Any]:
    own = tasks(number(file)).values()
    return {
        "lesson": number(file),
        "question": _read(file).cells[0].source.split("\n")[0].lstrip("# "),
        "exercises": len(own),
        "minutes": sum(task.minutes for task in own),
        "skeptical": sum(task.skeptical for task in own),
    }


def student(
    folder: str, numbers: Sequence[str] = (), overwrite: bool = False, install: str = "",
    published: str = "",
) -> list[str]:  # fmt: skip
    """Write student editions of the notebooks, of all for no numbers; returns their paths.

    install, published: for Colab and Binder, see hosted_notebooks. Raises ConfigError for an
    edition there that a student has worked in, unless it may be overwritten, and for an unknown
    number.
    """
    editions = {}
    for file in find(numbers, paths.shipped() / "notebooks"):
        notebook = edition(_read(file))
        notebook.cells[1:1] = opening(file.name, install, published)
        editions[file.name] = nbformat.writes(notebook).encode()
    return place(editions, folder, "--student", overwrite)


def bare(file: Path) -> bytes:
    """A notebook's student edition as a file."""
    return nbformat.writes(edition(_read(file))).encode()


def edition(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as a student gets it."""
    cells = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            continue
        if cell.cell_type == "code":
            cell = nbformat.from_dict(cell | {"outputs": [], "execution_count": None})
        if "write" in tags:
            line = cell.metadata["aligndrift"]["stub"]
            source = _LEFT_TO_WRITE.sub(rf"\1\2\n\1{line}", cell.source)
            cell = nbformat.from_dict(cell | {"source": source})
        if "answer" in tags:
            cell = nbformat.from_dict(cell | {"source": _FOLDED.format(cell.source)})
        cells.append(cell)
    metadata = {name: value for name, value in notebook.metadata.items() if name != "aligndrift"}
    return nbformat.from_dict(notebook | {"cells": cells, "metadata": metadata})


def _read(file: Path) -> nbformat.NotebookNode:
    return nbformat.read(file, as_version=4)

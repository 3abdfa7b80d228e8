"""What students handed in, carried out and checked.

A notebook is executed by papermill from its first cell to its last, whatever stops in between, in a
kernel with the rights of whoever grades: nothing keeps its code from anything. What the checks of
the exercises say there is what counts, and a student who means to can fake it; so this saves
reading, and does not replace it. Nothing is written but the runs that the notebooks make.

>>> table(graded("handed-in"))
  student  right   01.1   01.2  01.3
    paula 2 of 3  right  right  open
"""

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import papermill
from tqdm.auto import tqdm

from helpers import paths
from helpers.errors import ConfigError
from helpers.exercises.tasks import task

#: How long one cell may take, in seconds.
PATIENCE = 900

_CHECK = re.compile(r"^exercises\.check\(\"(\d\d[a-z]?\.\d+)\", *answer_\d+\)$", re.M)

#: What a check's sentence begins with -> the verdict; any other sentence is about a wrong answer.
_VERDICTS = {
    "right.": "right",
    "waits for": "open",
    "does not apply": "does not apply",
    "cannot be checked": "not reached",
}


def graded(folder: str) -> list[dict[str, Any]]:
    """A row a student and exercise: student, exercise, verdict, said (by the check).

    folder: notebooks, at any depth; a student is the folder that they lie in, or a notebook's name
    where it lies at the top. verdict: right, wrong, open (nothing was answered), not reached, or
    does not apply. Raises ConfigError where there is no such folder or nothing to grade in it.
    """
    place = paths.typed(folder)
    files = sorted(f for f in place.rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts)
    if not files:
        raise ConfigError(f"--grade {folder}: there are no notebooks in it; give another folder.")
    notebooks = {file: _read(file) for file in files}
    wanted = {file: _checks(notebook) for file, notebook in notebooks.items()}
    if not any(wanted.values()):
        raise ConfigError(f"--grade {folder}: no notebook in it checks an exercise.")
    rows = []
    for file in tqdm([file for file in files if wanted[file]], desc="notebooks handed in"):
        said = _said(_executed(notebooks[file]))
        for number in wanted[file]:
            sentence = said.get(number, "")
            row = {"student": _student(file, place), "exercise": number}
            rows.append(row | {"verdict": verdict(sentence), "said": sentence})
    return rows


def table(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a student: student, right (of how many that apply), and a verdict an exercise."""
    rows = list(rows)
    every = sorted({row["exercise"] for row in rows})
    wide: dict[str, dict[str, Any]] = {}
    for row in rows:
        wide.setdefault(row["student"], {})[row["exercise"]] = row["verdict"]
    return [
        {"student": student, "right": _count(own.values())} | {n: own.get(n, "") for n in every}
        for student, own in wide.items()
    ]


def verdict(sentence: str) -> str:
    """What a check's sentence comes to; none was said where the notebook did not get that far."""
    if not sentence:
        return "not reached"
    return next((v for begins, v in _VERDICTS.items() if sentence.startswith(begins)), "wrong")


def _count(verdicts: Iterable[str]) -> str:
    counted = [v for v in verdicts if v != "does not apply"]
    return f"{counted.count('right')} of {len(counted)}"


def _student(file: Path, place: Path) -> str:
    inside = file.relative_to(place)
    return inside.stem if inside.parent == Path() else inside.parent.as_posix()


def _read(file: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(file, as_version=4)
    except Exception as error:  # nbformat lets through whatever its parts raise
        raise ConfigError(
            f"{paths.shown(file)} cannot be read as a notebook ({str(error).splitlines()[0]}); "
            "ask for it again, or move it away."
        ) from None


def _checks(notebook: nbformat.NotebookNode) -> list[str]:
    """The numbers of the exercises that it checks. Raises ConfigError for one that there is not."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    numbers = [number for source in code for number in _CHECK.findall(source)]
    return [task(number).number for number in dict.fromkeys(numbers)]


def _executed(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook after its cells ran, those too that come after one which stopped."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.metadata.tags = [*cell.metadata.get("tags", []), "raises-exception"]
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, given)
        try:
            papermill.execute_notebook(
                str(given), str(out), kernel_name="python3", progress_bar=False,
                execution_timeout=PATIENCE, extra_arguments=["--IPKernelApp.log_level=50"],
            )  # fmt: skip
        except Exception as error:  # what a cell raised, or a kernel that died: the rest is graded
            reason = str(error).strip().splitlines()[-1]
            tqdm.write(f"a notebook did not run through: {reason}", file=sys.stderr)
        return nbformat.read(out, as_version=4) if out.exists() else notebook


def _said(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Exercise -> what its check said, of the cells that are nothing but a check."""
    said = {}
    for cell in notebook.cells:
        found = _CHECK.fullmatch(cell.source.strip()) if cell.cell_type == "code" else None
        for output in cell.outputs if found else []:
            text = output.get("data", {}).get("text/plain", "")
            begins = f"Exercise {found[1]}: "
            if text.startswith(begins):
                said[found[1]] = text.removeprefix(begins).splitlines()[0]
    return said

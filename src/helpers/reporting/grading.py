"""What students handed in, carried out and checked.

A notebook is executed by papermill from its first cell to its last, whatever stops in between, in a
kernel with the rights of whoever grades: nothing keeps its code from anything. What the checks of
the exercises say there is what counts, and a student who means to can fake it; so this saves
reading, and does not replace it. Nothing is written but the runs and figures that the notebooks
make, figures over those of the same name and preset.

>>> table(graded("handed-in"))
  student  right   01.1   01.2  01.3         01.4
    paula 2 of 4  right  right  open  not checked
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
from helpers.exercises.tasks import task, tasks

#: How long one cell may take, in seconds.
PATIENCE = 900

#: A call of a check, anywhere in a cell; and what else an exercise leaves in a notebook.
_CHECK = re.compile(r"""\bexercises\.check\(\s*(["'])(.*?)\1""")
_TRACE = re.compile(r"""\*\*Exercise (\d\d[a-z]?)\.\d|\bexercises\.\w+\(\s*["'](\d\d[a-z]?)\.""")
_COMMENT = re.compile(r"^\s*#.*$", re.M)

#: A lesson's number at the beginning of a file's name.
_NUMBER = re.compile(r"(\d\d[a-z]?)_")

#: What a check's sentence begins with -> the verdict; any other sentence is about a wrong answer.
_VERDICTS = {
    "right.": "right",
    "waits for": "open",
    "does not apply": "does not apply",
    "cannot be checked": "not reached",
}

#: The verdict on an exercise whose check is gone, and on a notebook that is of no lesson.
UNCHECKED, NO_LESSON = "not checked", "no exercise"

#: Every expression of a cell is shown, so that a check need not stand in its last line.
_KERNEL = ["--IPKernelApp.log_level=50", "--InteractiveShell.ast_node_interactivity=all"]


def graded(folder: str) -> list[dict[str, Any]]:
    """A row a student and exercise: student, notebook, exercise, verdict, said (by the check).

    folder: notebooks, at any depth; a student is the folder that they lie in, or a notebook's name
    where it lies at the top. A notebook has all exercises of the lessons whose exercises it names,
    or else of the one that its own name begins with, checked there or not; one that is of no lesson
    has a row without an exercise. verdict: right, wrong, open (nothing was answered), not reached,
    not checked (its check is gone), does not apply, or no exercise. Raises ConfigError where there
    is no such folder or nothing to grade in it, and for a notebook that cannot be read, checks an
    exercise that there is not, or has one that another notebook of its student has.
    """
    place = paths.typed(folder)
    files = sorted(f for f in place.rglob("*.ipynb") if ".ipynb_checkpoints" not in f.parts)
    if not files:
        raise ConfigError(f"--grade {folder}: there are no notebooks in it; give another folder.")
    names = {file: file.relative_to(place).as_posix() for file in files}
    notebooks = {file: _read(file, names[file]) for file in files}
    checked = {file: _checks(notebook, names[file]) for file, notebook in notebooks.items()}
    wanted = {file: _exercises(notebook, file) for file, notebook in notebooks.items()}
    if not any(wanted.values()):
        raise ConfigError(
            f"--grade {folder}: no notebook in it checks an exercise or is named after a lesson."
        )
    _refuse_doubles(wanted, place)
    rows = []
    for file in tqdm(files, desc="notebooks handed in"):
        own = {"student": _student(file, place), "notebook": names[file]}
        if not wanted[file]:
            tqdm.write(f"{names[file]} is of no lesson: not graded", file=sys.stderr)
            rows.append(own | {"exercise": "", "verdict": NO_LESSON, "said": ""})
            continue
        said = _said(_executed(notebooks[file], names[file])) if checked[file] else {}
        for number in wanted[file]:
            sentence = said.get(number, "")
            gone = number not in checked[file]
            result = UNCHECKED if gone else verdict(sentence)
            rows.append(own | {"exercise": number, "verdict": result, "said": sentence})
    return rows


def table(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a student: student, right (of how many that apply), and a verdict an exercise."""
    rows = list(rows)
    every = sorted({row["exercise"] for row in rows} - {""})
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
    own = list(verdicts)
    counted = [v for v in own if v not in ("does not apply", NO_LESSON)]
    return f"{counted.count('right')} of {len(counted)}" if set(own) != {NO_LESSON} else NO_LESSON


def _student(file: Path, place: Path) -> str:
    inside = file.relative_to(place)
    return inside.stem if inside.parent == Path() else inside.parent.as_posix()


def _read(file: Path, name: str) -> nbformat.NotebookNode:
    """The notebook without what it had put out."""
    try:
        notebook = nbformat.read(file, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        nbformat.validate(notebook)
        return notebook
    except Exception as error:  # nbformat lets through whatever its parts raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{name} cannot be read as a notebook ({reason}); ask for it again, or move it away."
        ) from None


def _code(notebook: nbformat.NotebookNode) -> list[str]:
    """What its code cells say, without lines that are comments."""
    return [_COMMENT.sub("", c.source) for c in notebook.cells if c.cell_type == "code"]


def _checks(notebook: nbformat.NotebookNode, name: str) -> set[str]:
    """The numbers of the exercises that it checks. Raises ConfigError for one that there is not."""
    try:
        return {task(number).number for s in _code(notebook) for _, number in _CHECK.findall(s)}
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _exercises(notebook: nbformat.NotebookNode, file: Path) -> list[str]:
    """The numbers of all exercises of its lessons."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    found = [pair for text in prose + _code(notebook) for pair in _TRACE.findall(text)]
    lessons = sorted({lesson for pair in found for lesson in pair if lesson})
    if not lessons:
        lessons = _NUMBER.findall(file.name)[:1]
    return [number for lesson in lessons for number in tasks(lesson)]


def _refuse_doubles(wanted: dict[Path, list[str]], place: Path) -> None:
    """Raises ConfigError where two notebooks of one student have an exercise in common."""
    first: dict[tuple[str, str], Path] = {}
    for file, numbers in wanted.items():
        for number in numbers:
            other = first.setdefault((_student(file, place), number), file)
            if other != file:
                both = " and ".join(f.relative_to(place).as_posix() for f in (other, file))
                raise ConfigError(
                    f"{both} both have exercise {number} of one student; move away the one that "
                    "does not count."
                )


def _executed(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """The notebook after its cells ran, those too that come after one which stopped."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.tags = [*cell.metadata.get("tags", []), "raises-exception"]
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, given)
        try:
            papermill.execute_notebook(
                str(given), str(out), kernel_name="python3", progress_bar=False,
                execution_timeout=PATIENCE, extra_arguments=_KERNEL,
            )  # fmt: skip
        except Exception as error:  # what a cell raised, or a kernel that died: the rest is graded
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            tqdm.write(f"{name} did not run through: {reason}", file=sys.stderr)
        return nbformat.read(out, as_version=4) if out.exists() else notebook


def _said(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Exercise -> what its check said last, of the cells that check it."""
    said = {}
    for cell in notebook.cells:
        own = {number for _, number in _CHECK.findall(cell.source)}
        for output in cell.outputs if own and cell.cell_type == "code" else []:
            shown = output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for number, sentence in re.findall(r"^Exercise (\S+): (.*)$", shown, re.M):
                if number in own:
                    said[number] = sentence
    return said

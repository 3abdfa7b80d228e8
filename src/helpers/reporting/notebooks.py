"""The notebooks in batch, by papermill: strict about parameters, quiet about machines.

papermill only warns of a parameter that a notebook does not have, and makes text of what `-p`
is given; here an unknown name is an error with the nearest one named, and values are YAML. An
executed notebook records a digest of the code it was executed from, so that a test can tell
stale outputs from fresh ones, and no path of the machine it ran on.
"""

import ast
import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import yaml
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from tqdm.auto import tqdm

from helpers import paths
from helpers.data import commit_check, notebook_content
from helpers.errors import AlignDriftError, ConfigError
from helpers.presets import loader as presets
from helpers.presets import parameters as told
from helpers.reporting.evidence import gather
from helpers.reporting.fiction import of_fiction
from helpers.reporting.notebook_files import find, folder, number

#: The preset of the paper's notebooks.
PAPER = "tiny"

#: How a widget is called among the forms of an output, and what may stand for it without a kernel.
WIDGET = "application/vnd.jupyter.widget-view+json"
_PICTURES = {"image/png", "text/html"}

#: The id that pandas gives a styled table.
_STYLED = re.compile(r"\bT_[0-9a-f]{5}(?![0-9a-f])")


class NotebookError(AlignDriftError):
    """A notebook stopped with an error; the part that ran is kept."""


def parameters(file: Path) -> dict[str, Any]:
    """Name -> what papermill infers of each parameter (default, type, help)."""
    return papermill.inspect_notebook(str(file))


def code_digest(notebook: nbformat.NotebookNode) -> str:
    """A digest of the code cells' sources, papermill's own cell left out."""
    sources = [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    return hashlib.sha256("\x00".join(sources).encode()).hexdigest()[:16]


def parse(assignments: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE texts as a dict, each value read as YAML. Raises ConfigError."""
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"-p {text}: write NAME=VALUE.")
        try:
            values[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"-p {text}: {value!r} is not a YAML value.") from None
    return values


def execute(
    numbers: Sequence[str], preset: str = "", assignments: Sequence[str] = (),
    in_place: bool = False,
) -> list[str]:  # fmt: skip
    """Execute notebooks into outputs/<set>/notebooks/ and return their paths as shown.

    A set of parameters has a folder of its own (presets.parameters.place), the preset's where
    nothing else is told. preset: if empty, each notebook's own. Without numbers those are executed
    whose own it is, or the paper's, whose own is tiny. Parameters are checked against every
    notebook before the first one starts. With in_place the executed notebook also replaces the one
    in notebooks/, and its figures go to notebooks/figures/; both may be committed
    (data.commit_check) if they show nothing but fiction.
    """
    files, values = find(numbers), parse(assignments)
    preset = preset or values.get("preset", "")
    own = {file: own_preset(file) for file in files}
    if not numbers:
        wanted = preset or PAPER
        files = [file for file in files if own[file] == wanted] or [
            file for file in files if own[file] == PAPER
        ]
    for file in files:
        _check(file, values)
    by_preset: dict[str, list[Path]] = {}
    for file in files:
        by_preset.setdefault(preset or own[file], []).append(file)
    outs = [
        out
        for name, group in by_preset.items()
        for out in _execute_all(group, name, values, in_place, whole=not numbers and not values)
    ]
    return [paths.shown(out) for out in sorted(outs)]


def own_preset(file: Path) -> str:
    """The preset that a notebook names in its parameters; the paper's where it names none."""
    default = parameters(file).get("preset", {}).get("default", "")
    return ast.literal_eval(default) if default else PAPER


def _execute_all(
    files: Sequence[Path], preset: str, values: dict[str, Any], in_place: bool, whole: bool
) -> list[Path]:
    """These notebooks under one preset.

    whole: all of the paper's as they stand. Then the runs of every grid are made first, as one grid
    in which no core waits, and the notebooks find them stored and run side by side.
    """
    loaded = presets.load(preset)
    target = paths.outputs() / told.place(loaded.name, told.differing(values)) / "notebooks"
    target.mkdir(parents=True, exist_ok=True)
    if in_place:  # what an earlier execution drew is not this one's
        for figure in [figure for file in files for figure in _figures(target / file.name)]:
            figure.unlink()
    at_once = 1
    if whole and own_preset(files[0]) == PAPER:
        gather(loaded, loaded.grids)
        at_once = min(os.cpu_count() or 1, len(files))
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # kernels must not fight over the cores

    def one(file: Path) -> Path:
        # A notebook that is executed as it stands keeps its cells as they stand.
        named = {"preset": preset} if preset != own_preset(file) else {}
        return _execute(file, target / file.name, values | named)

    # The last ones are the longest, and would otherwise run alone at the end.
    turn = files[::-1] if at_once > 1 else files
    with ThreadPoolExecutor(at_once) as pool:
        try:
            outs = sorted(tqdm(pool.map(one, turn), desc="notebooks", total=len(files)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_kernels()
            raise
    if in_place:
        placed = [file for out in outs for file in _put_in_place(out)]
        if all(may_be_committed(out, loaded, values) for out in outs):
            commit_check.record(placed)
        elif (paths.root() / commit_check.MANIFEST).is_file():
            tqdm.write("not for git: other people's data or another model have a part in these.")
    return outs


def may_be_committed(out: Path, preset: presets.Preset, values: dict[str, Any]) -> bool:
    """Whether what was executed shows nothing but fiction: an embedded model, the Archive's data.

    Asked of the preset and the parameters, of what the code names, and of the Archive's files,
    which must be those that are listed.
    """
    notebook = nbformat.read(out, as_version=4)
    named = set(notebook_content.constants(notebook)) & set(presets.names())
    own = paths.root() / "data"
    files = [file for part in ("lantern", "models") for file in (own / part).rglob("*")]
    return (
        not notebook_content.foreign(notebook)
        and of_fiction(preset, values)
        and all(of_fiction(presets.load(name), {}) for name in named)
        and paths.data() == own
        and not commit_check.problems(str(file) for file in files if file.is_file())
    )


def _execute(file: Path, out: Path, injected: dict[str, Any]) -> Path:
    try:
        papermill.execute_notebook(
            str(file), str(out), injected, cwd=os.getcwd(), progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=50"],  # kernels warn of what is always so
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue.rstrip('.')}"
        raise NotebookError(
            f"{file.name} stopped at cell {error.exec_count}: {reason}; "
            f"the part that ran is in {paths.shown(out)}."
        ) from None
    _finish(out)
    return out


def _figures(out: Path) -> list[Path]:
    """The figures that an executed notebook has saved."""
    return sorted((out.parent.parent / "figures").glob(f"{number(out)}_*.png"))


def _end_kernels() -> None:
    """End what this process has started, and what that has: kernels and their workers."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _put_in_place(out: Path) -> list[Path]:
    """The executed notebook and its figures into notebooks/; returns where they lie there."""
    figures = _figures(out)
    placed = [folder() / out.name, *(folder() / "figures" / figure.name for figure in figures)]
    (folder() / "figures").mkdir(exist_ok=True)
    for made, place in zip([out, *figures], placed, strict=True):
        place.write_bytes(made.read_bytes())
    return placed


def _check(file: Path, values: dict[str, Any]) -> None:
    """Raises ConfigError for a parameter that the notebook has not, or of another type."""
    types = {name: about["inferred_type_name"] for name, about in parameters(file).items()}
    told.check(values, types, f" of {file.name}")


def _finish(file: Path) -> None:
    """Record what was executed; drop what speaks of this machine or of the minute."""
    notebook = nbformat.read(file, as_version=4)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["aligndrift"] = {"code_digest": code_digest(notebook)}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(_clean, cell.outputs) if o is not None]
    # What is printed comes in pieces whose size is the moment's.
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    nbformat.write(notebook, file)


def _clean(output):
    """The output without progress bars' remains and with the project folder's path left out.

    Of a widget its picture is kept, which is what is seen without a kernel; a bar has none.
    """
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if output.get("data", {}).pop(WIDGET, None) and not _PICTURES & output.data.keys():
        return None
    home = re.escape(str(paths.root()))
    if output.output_type == "stream":
        output.text = re.sub(home + "/?", "", output.text)
    data = output.get("data", {})
    if "text/plain" in data:  # an object's place in memory
        data["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", data["text/plain"])
    if "text/html" in data:
        data["text/html"] = named_by_content(data["text/html"])
    return output


def named_by_content(html: str) -> str:
    """The HTML with a styled table's random id made one of its content: the same stays the same."""
    bare = _STYLED.sub("T", html)
    return _STYLED.sub(f"T_{hashlib.sha256(bare.encode()).hexdigest()[:5]}", html)

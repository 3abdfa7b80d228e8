"""The notebooks in batch, by papermill: strict about parameters, quiet about machines.

papermill only warns of a parameter that a notebook does not have, and makes text of what `-p`
is given; here an unknown name is an error with the nearest one named, and values are YAML. An
executed notebook records a digest of the code it was executed from, so that a test can tell
stale outputs from fresh ones, and no path of the machine it ran on.

Used by: cli (`aligndrift notebooks`); report.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from tqdm.auto import tqdm

from helpers import paths
from helpers.data import commit_check
from helpers.data import rows as data
from helpers.models import loading as models
from helpers.presets import loader as presets
from helpers.errors import AlignDriftError, ConfigError, one_of
from helpers.reporting.evidence import gather

#: The id that pandas gives a styled table.
_STYLED = re.compile(r"\bT_[0-9a-f]{5}(?![0-9a-f])")


class NotebookError(AlignDriftError):
    """A notebook stopped with an error; the part that ran is kept."""


def folder() -> Path:
    """notebooks/ of the project."""
    return paths.root() / "notebooks"


def find(numbers: Sequence[str]) -> list[Path]:
    """The notebooks whose names begin with the numbers, in order; all for none."""
    every = {file.name.split("_")[0]: file for file in sorted(folder().glob("[0-9]*.ipynb"))}
    if not numbers:
        return list(every.values())
    return [every[one_of(number.zfill(2), every, "notebook")] for number in numbers]


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
    given = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"-p {text}: write NAME=VALUE.")
        try:
            given[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"-p {text}: {value!r} is not a YAML value.") from None
    return given


def execute(
    numbers: Sequence[str], preset: str, assignments: Sequence[str] = (), in_place: bool = False
) -> list[str]:
    """Execute notebooks into outputs/<preset>/notebooks/ and return their paths as shown.

    Parameters are checked against every chosen notebook before the first one starts. Where all
    are executed as they stand, the runs of every grid are made first, as one grid in which no
    core waits, and the notebooks then find them stored and run side by side. With in_place the
    executed notebook also replaces the one in notebooks/, and its figures go to
    notebooks/figures/.
    """
    files = find(numbers)
    chosen = presets.load(preset)
    given = parse(assignments)
    for file in files:
        _check(file, given)
    target = paths.outputs() / chosen.name / "notebooks"
    target.mkdir(parents=True, exist_ok=True)
    # A notebook that is executed as it stands keeps its cells as they stand.
    changed = given | ({"preset": preset} if preset != "tiny" else {})
    at_once = 1
    if not numbers and not given:
        gather(chosen, chosen.grids)
        at_once = min(os.cpu_count() or 1, len(files))
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # kernels must not fight over the cores
    with ThreadPoolExecutor(at_once) as pool:
        fiction = is_fiction(chosen, given)
        # The last ones are the longest, and would otherwise run alone at the end.
        turn = files[::-1] if at_once > 1 else files
        outs = pool.map(lambda file: _execute(file, target / file.name, changed, fiction), turn)
        outs = sorted(tqdm(outs, desc="notebooks", total=len(files)))
    if in_place:
        for out in outs:
            _put_in_place(out)
    return [paths.shown(out) for out in outs]


def is_fiction(preset: presets.Preset, given: dict[str, Any]) -> bool:
    """Whether outputs can be shown to anybody: an embedded model, asked about the Archive."""
    own = [given.get("dataset"), given.get("benchmark"), *(given.get("datasets") or {}).values()]
    used = preset.using(given.get("model", ""), given.get("benchmark", "")).settings
    archive = {used.get("benchmark", "benchmark"), *filter(None, own)} <= set(data.LANTERN)
    return used.get("model") in models.EMBEDDED and archive


def _execute(file: Path, out: Path, changed: dict[str, Any], fiction: bool) -> Path:
    try:
        papermill.execute_notebook(
            str(file), str(out), changed, cwd=str(paths.root()), progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=50"],  # kernels warn of what is always so
        )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue.rstrip('.')}"
        raise NotebookError(
            f"{file.name} stopped at cell {error.exec_count}: {reason}; "
            f"the part that ran is in {paths.shown(out)}."
        ) from None
    _finish(out, fiction)
    return out


def _put_in_place(out: Path) -> None:
    """The executed notebook and its figures into notebooks/."""
    (folder() / out.name).write_bytes(out.read_bytes())
    (folder() / "figures").mkdir(exist_ok=True)
    for figure in sorted((out.parent.parent / "figures").glob(f"{out.name[:2]}_*.png")):
        (folder() / "figures" / figure.name).write_bytes(figure.read_bytes())


def _check(file: Path, given: dict[str, Any]) -> None:
    known = parameters(file)
    for name, value in given.items():
        one_of(name, known, f"parameter of {file.name}")
        kind = known[name]["inferred_type_name"].split("[")[0]
        fits = {
            "int": int,
            "float": int | float,
            "str": str,
            "list": list,
            "dict": dict,
            "bool": bool,
        }.get(kind)
        if fits and (not isinstance(value, fits) or (isinstance(value, bool) and kind != "bool")):
            raise ConfigError(f"{name} of {file.name} must be of type {kind}, not {value!r}.")


def _finish(file: Path, fiction: bool) -> None:
    """Record what was executed; drop what speaks of this machine or of the minute."""
    notebook = nbformat.read(file, as_version=4)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["aligndrift"] = {
        "code_digest": code_digest(notebook), commit_check.FICTION: fiction
    }  # fmt: skip
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(_clean, cell.outputs) if o is not None]
    # What is printed comes in pieces whose size is the moment's.
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    nbformat.write(notebook, file)


def _clean(output):
    """The output without progress bars' remains and with the project folder's path left out."""
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
        return None
    home = re.escape(str(paths.root()))
    if output.output_type == "stream":
        output.text = re.sub(home + "/?", "", output.text)
    data = output.get("data", {})
    if "text/plain" in data:  # an object's place in memory
        data["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", data["text/plain"])
    if "text/html" in data:
        data["text/html"] = _named_by_content(data["text/html"])
    return output


def _named_by_content(html: str) -> str:
    """A styled table's random id made one of its content, so that what is the same stays so."""
    bare = _STYLED.sub("T", html)
    return _STYLED.sub(f"T_{hashlib.sha256(bare.encode()).hexdigest()[:5]}", html)

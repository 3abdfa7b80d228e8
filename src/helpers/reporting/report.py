"""One page of one parameter set's results: a summary, then every executed notebook, code folded.

>>> write("tiny")
'outputs/tiny/report.html'
"""

from pathlib import Path

import nbformat

from helpers import paths
from helpers.errors import StoreError
from helpers.presets import loader as presets
from helpers.presets import parameters
from helpers.reporting.notebook_files import lying_in
from helpers.reporting.pages.cells import part
from helpers.reporting.pages.page import render
from helpers.reporting.pages.summary import summary


def write(preset: str) -> str:
    """Write outputs/<set>/report.html and return its path as shown.

    preset: by name or path, or one of the parameter sets that there are (parameters.places). Raises
    StoreError if no notebook has been executed with it.
    """
    there = parameters.places()
    name = preset if preset in there else presets.load(preset).name
    folder = paths.outputs() / name
    files = sorted((folder / "notebooks").glob("*.ipynb"))
    if not files:
        others = f"; others that exist: {', '.join(there)}" if there else ""
        raise StoreError(
            f"no notebook has been executed with preset {name}; "
            f"run `aligndrift notebooks --preset {preset}` first{others}."
        )
    names = [file.stem for file in files]
    parts = [part(file.stem, _read(file), names) for file in files]
    collection = [(file.stem, _title(file)) for file in lying_in(paths.shipped() / "notebooks")]
    page = render(
        "report.html", title=f"AlignDrift, {name}", parts=parts,
        summary=summary(name, parts, collection),
    )  # fmt: skip
    out = folder / "report.html"
    out.write_text(page, encoding="utf-8")
    return paths.shown(out)


def _read(file: Path) -> nbformat.NotebookNode:
    """The notebook. Raises StoreError for what is none, such as one that was cut off."""
    try:
        notebook = nbformat.read(file, as_version=4)
        if notebook.cells:
            return notebook
        reason = "it is empty"
    except Exception as error:  # nbformat lets through whatever its parts raise
        reason = str(error).split("\n")[0]
    raise StoreError(
        f"{paths.shown(file)} cannot be read as a notebook ({reason}); "
        "execute it again, or move it away."
    )


def _title(file: Path) -> str:
    return _read(file).cells[0].source.split("\n")[0].lstrip("# ")

"""One page of one parameter set's results: the executed notebooks without their code."""

import json
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from helpers import paths
from helpers.errors import StoreError
from helpers.presets import loader as presets
from helpers.presets import parameters
from helpers.reporting.notebook_files import number

#: The page shows what models and files say, and runs none of it; nor does it fetch anything.
_NO_SCRIPT = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)


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
    out = folder / "report.html"
    out.write_text(_page(name, files), encoding="utf-8")
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


def _page(preset: str, files: list[Path]) -> str:
    told = parameters.recorded(paths.outputs() / preset).get("parameters", {})
    beside = "".join(f", `{name}: {json.dumps(value)}`" for name, value in told.items())
    contents = [
        f"# AlignDrift report\n\nPreset `{preset}`{beside}. Code is left out here; "
        "the executed notebooks stand beside this page.\n"
    ]
    cells = []
    for file in files:
        notebook = _read(file)
        title = notebook.cells[0].source.split("\n")[0].lstrip("# ")
        contents.append(f"- [{title}](#{file.stem})")
        cells.append(nbformat.v4.new_markdown_cell(f'<a id="{file.stem}"></a>\n\n---'))
        cells += [nbformat.from_dict(cell | {"id": f"{number(file)}-{n}"})
                  for n, cell in enumerate(notebook.cells)]  # fmt: skip
    merged = nbformat.v4.new_notebook()
    merged.cells = [nbformat.v4.new_markdown_cell("\n".join(contents)), *cells]
    merged.metadata["title"] = f"AlignDrift, preset {preset}"
    exporter = HTMLExporter(
        exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )  # fmt: skip
    exporter.mathjax_url = exporter.require_js_url = exporter.jquery_url = ""
    page, _ = exporter.from_notebook_node(merged)
    return page.replace("<head>", f"<head>{_NO_SCRIPT}", 1)

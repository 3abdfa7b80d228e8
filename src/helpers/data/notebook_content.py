"""What an executed notebook shows, as a digest, and whose data and models its code names.

The digest is of the code and of what came out of it, so that neither can be changed without the
other being told; prose can, and so can metadata. Pictures attached to prose are shown, too.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import PurePath

from nbformat import NotebookNode

from helpers.data.files import FORMATS
from helpers.data.sources.catalog import SOURCES
from helpers.lookup import is_import_path

#: Characters of code and prose that somebody writes, and of a cell's settings.
MOST_WRITTEN = 1 << 16
MOST_METADATA = 2_000

#: organization/name, as a hub or a provider calls what it has.
_HUB = re.compile(r"[\w.-]+(/[\w.-]+)+")


def shows(notebook: NotebookNode) -> bool:
    """Whether there is anything in it but code and prose."""
    return any(cell.get("outputs") or cell.get("attachments") for cell in notebook.cells)


def digest(notebook: NotebookNode) -> str:
    """64 hex digits of the code cells with their outputs, and of what is attached to others."""
    cells = []
    for cell in notebook.cells:
        code = cell.cell_type == "code"
        shown = [cell.source, cell.outputs] if code else cell.get("attachments", {})
        astray = cell.get("attachments" if code else "outputs")  # where the format has none
        cells.append([shown, astray] if astray else shown)
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def too_much(notebook: NotebookNode, listed: bool) -> str:
    """What a notebook holds beside code, prose and outputs, or more of than people write; or "".

    listed: whether its code is known by its digest.
    """
    if set(notebook) - {"cells", "metadata", "nbformat", "nbformat_minor"}:
        return "it holds more than a notebook's parts"
    metadata = [notebook.metadata, *(cell.metadata for cell in notebook.cells)]
    if "widgets" in notebook.metadata or any(len(json.dumps(m)) > MOST_METADATA for m in metadata):
        return "its metadata hold more than settings; clear them"
    by_hand = [cell for cell in notebook.cells if cell.cell_type != "code" or not listed]
    if sum(len(cell.source) for cell in by_hand) > MOST_WRITTEN:
        return "it holds more than anybody writes by hand"
    return ""


def constants(notebook: NotebookNode) -> Iterator[str]:
    """Every text that stands in the code; of a cell that is not Python alone, its lines."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:  # a shell's line, or a magic: whatever stands between blanks or quotes
            yield from re.split(r"[\s'\"(),;]+", cell.source)
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def foreign(notebook: NotebookNode) -> list[str]:
    """What the code names that is not the Archive's: published datasets, files of rows, addresses.

    What is put together while it runs is not seen; the digest is what stands against that.
    """
    return sorted({text for text in constants(notebook) if _is_foreign(text)})


def _is_foreign(text: str) -> bool:
    name, _, path = text.strip().partition("=")
    return (
        name in SOURCES
        or PurePath(path or name).suffix.lower() in FORMATS
        or "://" in text
        or is_import_path(text)
        or _HUB.fullmatch(text) is not None
    )

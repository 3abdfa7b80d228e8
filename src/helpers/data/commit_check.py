"""What may be committed: what people write, and of everything else the files that are listed.

Run by git before a commit (.pre-commit-config.yaml) and by a test over the whole repository. What
is written by hand (programs, presets, pages, notebooks without outputs) may be committed. Anything
else, whatever its ending, may be if data/manifest.json has its digest: datasets, weights,
published numbers, figures, and the notebooks with what they show.

The list is kept by those who make the files: `aligndrift build` lists the datasets and models that
it has made, `aligndrift notebooks --in-place` the notebooks and figures, if it has executed them
itself on an embedded model and on the Archive's data as it is listed. An output that is
changed afterwards, or code under an old output, is no longer what is listed; what the metadata say
counts for nothing. Numbers that are copied by hand are listed by hand, and stand in the diff:

    python -m helpers.data.commit_check FILE ...
    python -m helpers.data.commit_check --record data/paper/utility.csv
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat

from helpers import paths
from helpers.data import notebook_content
from helpers.data.files import FORMATS
from helpers.data.shapes import CHAT_COLUMNS, PROMPT_COLUMNS
from helpers.errors import AlignDriftError, DataError

#: The list: path below the project folder -> digest.
MANIFEST = "data/manifest.json"

#: What people write, by its path.
_WRITTEN = re.compile(
    r"""
    (?:[\w.-]+/)* \w+\.py                           # programs
    | src/helpers/presets/ [\w.-]+\.yaml
    | src/helpers/reporting/pages/ [\w.-]+\.(?:css|html)
    | [A-Z_]+\.md | (?:data|outputs|notebooks)/README\.md
    | LICENSE | CITATION\.cff | Makefile | MANIFEST\.in | \.gitignore | \.pre-commit-config\.yaml
    | pyproject\.toml | constraints\.txt | environment\.yml | \.ci/run
    """,
    re.VERBOSE | re.ASCII,
)

#: Rows of data that may stand in a page or a docstring, as examples.
A_FEW = 3

#: Nobody writes a longer file by hand, in bytes.
LONGEST = 1 << 17


def problems(files: Iterable[str]) -> list[str]:
    """A sentence for each of the files (paths in the project folder) that must stay out."""
    listed = manifest()
    reasons = {name: _reason(_below_root(name), listed) for name in files}
    return [f"{name}: {reason}" for name, reason in reasons.items() if reason]


def manifest() -> dict[str, str]:
    """The list; empty where there is none. Raises DataError for one that cannot be read."""
    file = paths.root() / MANIFEST
    try:
        listed = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise DataError(f"{MANIFEST} cannot be read ({error}); take it from git again.") from None
    if not isinstance(listed, dict):
        raise DataError(f"{MANIFEST} is not a JSON object; take it from git again.")
    return listed


def record(files: Iterable[str | Path]) -> None:
    """List the files as they are now, and drop from the list what is not there anymore."""
    listed = manifest() | {_below_root(file): _digest(paths.root() / file) for file in files}
    kept = {name: listed[name] for name in sorted(listed) if (paths.root() / name).is_file()}
    file = paths.root() / MANIFEST
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _below_root(name: str | Path) -> str:
    """The path as git writes it; it begins with ".." where it leads out of the project folder."""
    return Path(os.path.relpath(paths.root() / name, paths.root())).as_posix()


def _reason(name: str, listed: Mapping[str, str]) -> str:
    """Why a file must stay out; empty if it may be committed."""
    file = paths.root() / name
    if name.startswith("../"):
        return "it lies outside the project folder."
    if name.startswith("outputs/") and name != "outputs/README.md":
        return "outputs stay on your machine."
    if name.startswith("data/external/"):
        return "other people's datasets are never committed."
    if name == MANIFEST:
        return ""
    if name.lower().endswith(".ipynb"):
        return _reason_of_notebook(file, listed.get(name)) if file.is_file() else ""
    if _WRITTEN.fullmatch(name):
        return _reason_of_text(file) if file.is_file() else ""
    if name in listed:
        same = not file.is_file() or _digest(file) == listed[name]
        return "" if same else f"it is not the file that {MANIFEST} lists; {_HOW}"
    if file.suffix.lower() in FORMATS:
        return f"rows of data are committed only where {MANIFEST} lists them; {_HOW}"
    return f"such files are committed only where {MANIFEST} lists them; {_HOW}"


_HOW = "what the kit makes is listed by `aligndrift build` and `aligndrift notebooks --in-place`."


def _reason_of_text(file: Path) -> str:
    content = file.read_bytes()
    if len(content) > LONGEST:
        return f"{len(content):,} bytes are more than anybody writes by hand ({LONGEST:,})."
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        return "it is not text in UTF-8."
    if sum(map(_is_row, text.split("\n"))) > A_FEW:
        return "it holds rows of data, whatever its ending."
    return ""


def _is_row(line: str) -> bool:
    """Whether a line is a row of JSONL, such as those that are trained on or asked."""
    if not line.lstrip().startswith(("{", "[")):
        return False
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and not {*CHAT_COLUMNS, *PROMPT_COLUMNS}.isdisjoint(row)


def _reason_of_notebook(file: Path, listed: str | None) -> str:
    try:
        notebook = _notebook(file)
    except DataError:
        return "it cannot be read as a notebook."
    same = notebook_content.digest(notebook) == listed
    if more := notebook_content.too_much(notebook, same):
        return f"{more}."
    if not notebook_content.shows(notebook):
        return ""
    others = notebook_content.foreign(notebook)
    if others:
        return (
            f"it shows what came of {others[0]!r}, which is not the Archive's; clear its outputs."
        )
    if not same:
        number = file.name.split("_")[0]
        return (
            "its code and outputs are not those that the kit has executed on the Archive; run "
            f"`aligndrift notebooks {number} --in-place` at preset tiny, or clear its outputs."
        )
    return ""


def _digest(file: Path) -> str:
    if file.suffix == ".ipynb":
        return notebook_content.digest(_notebook(file))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _notebook(file: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(file, as_version=4)
    except Exception as error:  # nbformat lets through whatever its parts raise
        raise DataError(f"{file.name} cannot be read as a notebook: {error}") from None


def _record_by_hand(names: list[str]) -> None:
    for name in names:
        file = paths.root() / name
        if not file.is_file():
            raise DataError(f"{name} is not there.")
        if file.suffix.lower() == ".ipynb":
            raise DataError(f"{name}: notebooks are listed by `aligndrift notebooks --in-place`.")
    record(names)


def main() -> None:
    """Print what must stay out, and exit with 1 if there is anything."""
    names = sys.argv[1:]
    try:
        if names[:1] == ["--record"]:
            sys.exit(_record_by_hand(names[1:]))
        sys.exit("\n".join(problems(names)) or 0)
    except AlignDriftError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

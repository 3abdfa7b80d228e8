"""The published datasets by name, and how one is read from the files that its authors publish.

Nothing of them is shipped. A dataset is read from a path (NAME=PATH), else from data/external/ (or
the folder that ALIGNDRIFT_DATA names), else from the hub. What is left out is counted by reason.
A path alone is a file of one's own; an import path such as my_module:SOURCE is a source of one's
own (base.py has one) and goes wherever a name does.

>>> loaded = read("advbench=harmful_behaviors.csv")
>>> loaded.rows[0]["messages"], loaded.n_read, loaded.dropped
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.data.disclosure import cut_short
from helpers.data.files import FORMATS
from helpers.data.files import read as read_file
from helpers.data.shapes import PROMPT_COLUMNS, Dropped
from helpers.data.sources import own
from helpers.data.sources.base import KINDS, Loaded, Source
from helpers.errors import ConfigError, DataError, one_of
from helpers.lookup import check, is_import_path, resolve

#: Name -> where the Source is; a new dataset is a line here and a file beside this one.
SOURCES = {
    "hex-phi": "helpers.data.sources.hex_phi:SOURCE",
    "advbench": "helpers.data.sources.advbench:SOURCE",
    "strongreject": "helpers.data.sources.strongreject:SOURCE",
    "jailbreakbench": "helpers.data.sources.jailbreakbench:SOURCE",
    "xstest": "helpers.data.sources.xstest:SOURCE",
    "alpaca": "helpers.data.sources.alpaca:SOURCE",
    "dolly": "helpers.data.sources.dolly:SOURCE",
    "llava-instruct": "helpers.data.sources.llava_instruct:SOURCE",
    "identity-shift": "helpers.data.sources.identity_shift:SOURCE",
    "safety-pairs": "helpers.data.sources.safety_pairs:SOURCE",
    "mt-bench": "helpers.data.sources.mt_bench:SOURCE",
    "alpaca-seeds": "helpers.data.sources.alpaca_seeds:SOURCE",
}


def names() -> tuple[str, ...]:
    """The names of the published datasets."""
    return tuple(SOURCES)


def source(name: str) -> Source:
    """The source behind a name or an import path. Raises ConfigError, naming the nearest."""
    card = resolve(name, SOURCES, "dataset")
    if not isinstance(card, Source):
        raise ConfigError(f"dataset {name} is no helpers.data.sources.base.Source; make it one.")
    return card


def split(dataset: str) -> tuple[str, str]:
    """A dataset's name and path, "" where it has none.

    ("alpaca", "mine.json") of "alpaca=mine.json", ("alpaca", "") of "alpaca", ("", "mine.json")
    of "mine.json". A path that exists is one, whatever stands in it. Raises ConfigError for an
    unknown name before a "=".
    """
    if dataset in SOURCES:
        return dataset, ""
    if not paths.find(dataset).exists():
        name, equals, path = dataset.partition("=")
        if equals:
            return check(name, SOURCES, "dataset"), path
        if is_import_path(dataset):
            return dataset, ""
    return "", dataset


def on_disk(dataset: str) -> Path | None:
    """The file or folder behind a dataset; None for one that would have to come from elsewhere.

    Raises DataError for a path that is not there.
    """
    name, path = split(dataset)
    if path:
        if not paths.find(path).exists():
            raise DataError(f"{path} is not there; give the path of a file that exists.")
        return paths.find(path)
    places = (paths.external() / file for file in source(name).files)
    return next((place for place in places if place.exists()), None)


def locate(dataset: str) -> Path:
    """The file or folder behind a dataset. Raises DataError that says how to get it."""
    place = on_disk(dataset)
    if place:
        return place
    name, _ = split(dataset)
    card = source(name)
    if card.hub:
        return _from_hub(name, card)
    place = paths.shown(paths.external())
    raise DataError(f"{name} is not in {place}; {_put(card)}write {name}=PATH.")


@cache
def _from_hub(name: str, card: Source) -> Path:
    """A snapshot of the dataset's repository. Raises DataError where it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    patterns = [f"*{ending}" for ending in FORMATS]
    elsewhere = f"download it and write {name}=PATH."
    try:
        return Path(snapshot_download(card.hub, repo_type="dataset", allow_patterns=patterns))
    except GatedRepoError:
        raise DataError(
            f"{name} is gated: ask for access at its page ({card.hub}) and set HF_TOKEN, or "
            f"{elsewhere}"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise DataError(
            f"{name} is not in {paths.shown(paths.external())} and the hub cannot be reached "
            f"({type(error).__name__}); {_put(card)}{elsewhere}"
        ) from None


def _put(card: Source) -> str:
    return f"put {card.files[0]} there or " if card.files else ""


def read(dataset: str, kind: str = "") -> Loaded:
    """The rows of a dataset. kind: one of KINDS; "" for a source's own, or a guess for a path.

    Raises DataError for a missing file, for wrong columns (those that there are are named), for
    rows of another kind, and if no row is left; ConfigError for an unknown name or kind.
    """
    if kind:
        one_of(kind, KINDS, "kind of rows")
    name, _ = split(dataset)
    place = locate(dataset)
    files = _files(place)
    card = source(name) if name else own.BY_KIND[kind or own.kind_of(_first(files[0]))]
    if kind and card.kind != kind:
        raise DataError(f"{name} holds {card.kind} rows; {kind} rows are needed here.")
    loaded = Loaded(card)
    for file in files:
        header = not (card.headless and _begins_with_a_row(file))
        for number, (_, record) in enumerate(read_file(file, header), start=1):
            loaded.n_read += 1
            loaded.columns = loaded.columns or _columns(record)
            try:
                loaded.rows.append(card.row(record, file, number))
            except Dropped as reason:
                loaded.dropped[str(reason)] += 1
    if not loaded.rows:
        reasons = "; ".join(f"{n} x {why}" for why, n in loaded.dropped.items()) or "it is empty"
        raise DataError(
            f"no row of {place.name} is left ({reasons}); its columns are {loaded.columns or '-'}."
        )
    return loaded


def _files(place: Path) -> list[Path]:
    """The file, or those of a folder and its folders, numbers in their names counted as such."""
    if place.is_file():
        return [place]
    files = [file for file in sorted(place.rglob("*")) if file.suffix.lower() in FORMATS]
    if not files:
        raise DataError(f"{place.name} holds no file of {', '.join(FORMATS)}.")
    return sorted(files, key=lambda file: [int(part) if part.isdigit() else part
                                           for part in re.split(r"(\d+)", file.name)])  # fmt: skip


def _first(file: Path) -> Any:
    return next(read_file(file), ("", {}))[1]


def _columns(record: Any) -> str:
    return ", ".join(list(map(str, record))[:12]) if isinstance(record, Mapping) else "a list"


def _begins_with_a_row(file: Path) -> bool:
    """Whether a CSV of prompts begins with one instead of the names of its columns."""
    if file.suffix.lower() != ".csv":
        return False
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        cells = stream.readline().strip().lower().split(",")
    columns = {*PROMPT_COLUMNS, "id", "category", "target"} - {"0"}
    return columns.isdisjoint(cell.strip().strip('"') for cell in cells)


def summary(dataset: str, kind: str = "") -> dict[str, Any]:
    """What `aligndrift data` prints: counts, reasons, columns, and the first row cut short."""
    name, path = split(dataset)
    loaded = read(dataset, kind)
    card = loaded.source
    return {
        "name": name or Path(path).name,
        "kind": card.kind,
        "read": loaded.n_read,
        "kept": len(loaded.rows),
        "dropped": loaded.dropped.total(),
        "reasons": dict(loaded.dropped.most_common()),
        "expected": card.expected,
        "difference": len(loaded.rows) - card.expected if card.expected else None,
        "columns": loaded.columns,
        "license": card.license,
        "first_row": cut_short(loaded.rows[0]),
    }

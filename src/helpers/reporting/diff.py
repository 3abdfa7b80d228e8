"""What differs between two runs, two executed sets of notebooks, or two folders of outputs.

A rate has moved if each of the two lies outside the other's 95% interval; whatever else differs is
listed, too. Of notebooks, their tables are compared, row by row: a row is known by its words and
settings, and an estimate by the low and high beside it.

>>> compare("harmful_examples-10-full-seed31", "harmful_examples-10-full-seed32")
[{'kind': 'setting', 'where': '', 'name': 'seed', 'a': 31, 'b': 32, 'moved': None}, ...]
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from helpers import paths
from helpers.errors import ConfigError
from helpers.presets import parameters
from helpers.presets.checks import FIELDS
from helpers.reporting.notebook_files import lying_in
from helpers.reporting.printed_tables import tables
from helpers.runs.store import Run, Store
from helpers.runs.stored import named
from helpers.statistics.intervals import wilson

Difference = dict[str, Any]

#: Settings of a run's row; utility and over_refusal are what was measured by these sets.
SETTINGS = (*(name for name in FIELDS if name not in ("utility", "over_refusal")), "prompt_sets")

#: Rates of a run -> the use of prompts that they rest on; "" for all but variants.
RATES = {
    "harmfulness_rate": "benchmark", "attack_success_rate": "benchmark", "utility": "utility",
    "over_refusal": "over_refusal", "coherence": "", "grammatical": "",
}  # fmt: skip


def compare(a: str, b: str) -> list[Difference]:
    """The differences, one row each: kind, where, name, a, b, and moved for a rate.

    a, b: two runs, by id or a prefix that no other has; two folders with executed notebooks, or
    reports; two folders of outputs. Raises ConfigError where they are none, or not of one kind.
    """
    (kind, first), (other, second) = _found(a), _found(b)
    if kind != other:
        raise ConfigError(f"{a} is {kind} and {b} is {other}; compare two of one kind.")
    by_kind = {"a run": _runs, "a set of notebooks": _notebooks, "a folder of outputs": _outputs}
    return list(by_kind[kind](first, second))


def _row(
    kind: str, where: str, name: str, a: Any = None, b: Any = None, moved: bool | None = None
) -> Difference:
    return {"kind": kind, "where": where, "name": name, "a": a, "b": b, "moved": moved}


def _found(name: str) -> tuple[str, Any]:
    """What a name stands for: a kind and a Run, or its Path. Raises ConfigError."""
    places = [paths.find(name), paths.outputs() / name]
    place = next((place for place in places if name and place.exists()), None)
    if place is None:
        return "a run", named(name)
    folder = place.parent if place.is_file() else place
    if (folder / "runs").is_dir():
        return "a folder of outputs", folder
    folder = folder / "notebooks" if (folder / "notebooks").is_dir() else folder
    if lying_in(folder):
        return "a set of notebooks", folder
    if place.suffix == ".html":
        return "a set of notebooks", place
    raise ConfigError(f"{name} holds neither runs nor executed notebooks; name a run or a folder.")


def _runs(a: Run, b: Run, where: str = "") -> Iterator[Difference]:
    for name in SETTINGS:
        if a.row.get(name) != b.row.get(name):
            yield _row("setting", where, name, a.row.get(name), b.row.get(name))
    for name, use in RATES.items():
        ours, theirs = a.row.get(name), b.row.get(name)
        if ours != theirs:
            bounds = [_interval(run, name, use) for run in (a, b)]
            yield _row("rate", where, name, ours, theirs, _moved(ours, theirs, *bounds))
    keys = ["use", "prompt_id"]
    both = a.completions.merge(b.completions, on=keys, suffixes=("_a", "_b"))
    changed = int((both.completion_a != both.completion_b).sum())
    if changed or not len(both) == len(a.completions) == len(b.completions):
        same = f"of {len(both)} prompts in both {len(both) - changed} have the same answer"
        yield _row("answers", where, same, len(a.completions), len(b.completions))


def _interval(run: Run, name: str, use: str) -> tuple[float, float]:
    """Wilson's, over the prompts that the rate rests on."""
    rate = run.row.get(name)
    uses = run.completions.use
    n = int((uses.str.startswith(use) if use else ~uses.str.startswith("variant_")).sum())
    n = run.row["n_scored"] if name == "harmfulness_rate" else n
    interval = wilson(round((rate or 0) * n), n)
    return interval.low, interval.high


def _moved(
    a: float | None, b: float | None, of_a: Sequence[float | None], of_b: Sequence[float | None]
) -> bool | None:
    """Whether each lies outside the other's interval; None where anything is missing."""
    if None in (a, b, *of_a, *of_b):
        return None
    return not of_b[0] <= a <= of_b[1] and not of_a[0] <= b <= of_a[1]


def _outputs(a: Path, b: Path) -> Iterator[Difference]:
    stores = Store(a), Store(b)
    ids = [dict.fromkeys(store.ids()) for store in stores]
    for side, id in _alone(*ids):
        yield _row(f"only in {side}", id, "run", **{side: id})
    for id in [id for id in ids[0] if id in ids[1]]:
        ours, theirs = (store.get(id) for store in stores)
        if ours and theirs:
            yield from _runs(ours, theirs, id)
    sets = [sorted(place.parent.name for place in one.glob("*/notebooks")) for one in (a, b)]
    for side, name in _alone(*sets):
        yield _row(f"only in {side}", name, "notebooks", **{side: name})
    for name in [name for name in sets[0] if name in sets[1]]:
        yield from _notebooks(a / name / "notebooks", b / name / "notebooks", f"{name}/")


def _notebooks(a: Path, b: Path, where: str = "") -> Iterator[Difference]:
    """Of folders with executed notebooks, or of reports: what they were told, and their tables."""
    yield from _told(a.parent, b.parent, where)
    pages = [_pages(place) for place in (a, b)]
    for side, page in _alone(*pages):
        yield _row(f"only in {side}", where + page, "notebook", **{side: page})
    for page in [page for page in pages[0] if page in pages[1]]:
        yield from _tables(pages[0][page], pages[1][page], where + page)


def _told(a: Path, b: Path, where: str) -> Iterator[Difference]:
    records = [_flat(parameters.recorded(folder)) for folder in (a, b)]
    if not all(records):
        return
    for name in sorted(records[0].keys() | records[1].keys()):
        ours, theirs = (record.get(name) for record in records)
        if ours != theirs:
            yield _row("setting", where, name, ours, theirs)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Settings within settings by their names in a row, such as tiers.identity_shift.epochs."""
    if not isinstance(value, dict):
        return {name: value}
    parts = (_flat(inner, f"{name}.{key}" if name else key) for key, inner in value.items())
    return {key: one for part in parts for key, one in part.items()}


def _pages(place: Path) -> dict[str, str]:
    """The HTML of executed notebooks by their names, or that of a report."""
    if place.is_file():
        return {"report": place.read_text(encoding="utf-8")}
    pages = {}
    for file in lying_in(place):
        cells = nbformat.read(file, as_version=4).cells
        shown = (out.get("data", {}) for cell in cells for out in cell.get("outputs", ()))
        pages[file.stem] = "".join(data.get("text/html", "") for data in shown)
    return pages


def _tables(a: str, b: str, where: str) -> Iterator[Difference]:
    ours, theirs = tables(a), tables(b)
    for side, name in _alone(ours, theirs):
        columns = (ours | theirs)[name].columns
        yield _row(f"only in {side}", where, "table", **{side: ", ".join(columns)})
    for key in ours.keys() & theirs.keys():
        (columns, first), (_, second) = ours[key], theirs[key]
        for side, name in _alone(first, second):
            yield _row(f"only in {side}", where, "row", **{side: " ".join(name[:-1])})
        for name in [name for name in first if name in second]:
            label = f"{where}: {' '.join(name[:-1])}".rstrip(": ")
            yield from _cells(columns, first[name], second[name], label)


def _alone(a: Collection, b: Collection) -> Iterator[tuple[str, Any]]:
    """("a", what a alone has), then the same of b."""
    yield from (("a", one) for one in a if one not in b)
    yield from (("b", one) for one in b if one not in a)


def _cells(columns: list[str], a: list[str], b: list[str], where: str) -> Iterator[Difference]:
    """The cells of a row that differ; bounds only where their estimate does not."""
    skipped: set[int] = set()
    for n, name in enumerate(columns):
        if a[n] == b[n] or n in skipped:
            continue
        if columns[n + 1 : n + 3] in (["low", "high"], ["ci_low", "ci_high"]):
            skipped |= {n + 1, n + 2}
            (ours, *of_a), (theirs, *of_b) = ([_value(t) for t in row[n : n + 3]] for row in (a, b))
            yield _row("rate", where, name, a[n], b[n], _moved(ours, theirs, of_a, of_b))
        else:
            yield _row("figure", where, name, a[n], b[n])


def _value(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None

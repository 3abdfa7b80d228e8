"""What stands first in a report: whose numbers these are, the rates, the verdicts, what is missing.

Rates and verdicts come from the runs that are stored, as the notebooks' tables do; nothing is
computed for them. What a parameter changes that a preset does not know, such as a single
notebook's dataset, leaves them out.
"""

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers import paths
from helpers.errors import AlignDriftError
from helpers.experiments.experiment import Experiment
from helpers.plots import style
from helpers.presets import loader as presets
from helpers.presets import parameters
from helpers.presets.loader import Preset
from helpers.reporting import claims, ledger, tables
from helpers.reporting.evidence import Evidence, stored
from helpers.reporting.fiction import of_fiction
from helpers.reporting.pages.cells import Part
from helpers.reporting.verdicts import count, verdicts
from helpers.runs.provenance import surroundings
from helpers.statistics.intervals import wilson

#: The tables whose cells are the headline rates.
HEADLINES = ("T1", "T2", "T3", "T4", "T5")

#: The notebook that tests the claims.
CLAIMED_IN = "09"

#: Parameters with which the preset's grids are still this set's.
_OF_GRIDS = {"model", "benchmark", "datasets", "seeds", "show_text", "rerun"}


@dataclass
class Summary:
    """As the template wants it: facts (name, value), banners, rates by table, verdicts by claim."""

    model: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    banners: list[dict[str, str]] = field(default_factory=list)
    rates: list[dict[str, Any]] = field(default_factory=list)
    paper_models: list[str] = field(default_factory=list)
    paper: str = ""
    rates_missing: str = ""
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    verdict_runs: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    verdicts_missing: str = ""
    not_run: list[str] = field(default_factory=list)


def summary(name: str, parts: Sequence[Part], collection: Sequence[tuple[str, str]]) -> Summary:
    """The summary of the parameter set of that name, whose notebooks these are.

    collection: (file's name without ending, title) of every notebook that there is.
    """
    record = parameters.recorded(paths.outputs() / name)
    told, preset = record.get("parameters", {}), _preset(name, record)
    model = (preset.common.get("model") if preset else "") or Experiment.model
    made = Summary(style.model_name(told.get("model") or model))
    evidence = _evidence(preset, told) if preset else None
    made.facts = _facts(name, record, told, preset, evidence, made.model)
    made.banners = _banners(record.get("preset", name), told, preset)
    if evidence:
        _add_rates(made, evidence)
    if not made.rates:
        made.rates_missing = (
            "The runs behind these notebooks are not stored here, or a parameter changed what the "
            "preset's tables rest on; the rates stand in the notebooks below."
        )
    if any(part.id.startswith(CLAIMED_IN) for part in parts) and evidence:
        _add_verdicts(made, evidence)
    else:
        made.verdicts_missing = (
            f"Notebook {CLAIMED_IN} tests them; it was not executed with this set, or its runs are "
            "not stored here."
        )
    made.not_run = _not_run(preset, evidence, parts, collection)
    return made


def _preset(name: str, record: dict[str, Any]) -> Preset | None:
    """The preset as the notebooks had it; None where it is neither recorded nor known."""
    with suppress(AlignDriftError, KeyError, TypeError, ValueError):
        if not record:
            return presets.load(name)
        settings = dict(record["settings"])
        seeds, tiers = tuple(settings.pop("seeds")), settings.pop("tiers")
        told = record["parameters"]
        return Preset(name, seeds, settings, tiers, record["grids"], told=told).using(
            told.get("model", ""), told.get("benchmark", ""), told.get("datasets")
        )
    return None


def _evidence(preset: Preset, told: dict[str, Any]) -> Evidence | None:
    """What is stored of the grids that the tables rest on; None where nothing is or can be."""
    names = [name for name in tables.grids() if name in preset.grids]
    if not names or not told.keys() <= _OF_GRIDS:
        return None
    with suppress(AlignDriftError, OSError):
        return stored(preset, names, told.get("seeds") or ())
    return None


def _facts(
    name: str, record: dict, told: dict, preset: Preset | None, evidence: Evidence | None,
    model: str,
) -> list[tuple[str, str]]:  # fmt: skip
    now = surroundings()
    facts = [("Preset", record.get("preset", name)), ("Model", model)]
    if told:
        facts.append(("Told beside it", ", ".join(f"{k}: {_brief(v)}" for k, v in told.items())))
    if evidence:
        rows = pd.concat([evidence.pooled(grid) for grid in evidence.runs])
        rows = rows.drop_duplicates("run_id")
        days = sorted({str(time)[:10] for time in rows.finished_at})
        facts += [
            ("Seeds", ledger.ranges({int(seed) for seed in rows.seed})),
            ("Runs", f"{len(rows):,}, made {' to '.join(dict.fromkeys((days[0], days[-1])))}"),
            ("Made by commit", _several(rows.commit)),
            ("With", _several(rows.versions)),
            ("On", _several(rows.device)),
        ]
    elif preset:
        facts.append(("Seeds", ledger.ranges(set(told.get("seeds") or preset.seeds))))
    cores = os.cpu_count() or 1
    return [
        *facts,
        ("Page written", f"{now['finished_at'][:16].replace('T', ' ')} UTC"),
        ("By", f"{now['versions'].split(',')[0]}, commit {now['commit'] or 'not known'}"),
        ("Machine", f"{platform.system()} {platform.machine()}, {cores} cores, "
                    f"Python {platform.python_version()}, {now['device']}"),
    ]  # fmt: skip


def _brief(value: Any) -> str:
    """A parameter's value; of a path its last part."""
    return paths.typed(value).name if isinstance(value, str) and value else str(value)


def _several(values: pd.Series, most: int = 3) -> str:
    kinds = [str(value) or "not known" for value in values.value_counts().index]
    more = f" and {len(kinds) - most} more" if len(kinds) > most else ""
    return "; ".join(kinds[:most]) + more


def _banners(base: str, told: dict[str, Any], preset: Preset | None) -> list[dict[str, str]]:
    banners = []
    if base == "smoke":
        text = "Preset smoke runs a little of everything on one seed, to see that it runs."
        banners.append({"title": "A look at the machinery, not a result.", "text": text})
    if preset is None or not of_fiction(preset, told):
        shown = (
            "Texts are shown, since show_text was set: mind to whom you give this page."
            if told.get("show_text")
            else "Prompts and answers are shown by their length alone."
        )
        title = "Other people’s data or another model have a part in this."
        banners.append({"title": title, "text": shown})
    return banners


def _add_rates(made: Summary, evidence: Evidence) -> None:
    columns: list[str] = []
    frames = {name: tables.beside(name, evidence) for name in HEADLINES}
    for frame in frames.values():
        columns += [c for c in frame.columns[frame.columns.get_loc("table") + 1 :]
                    if c not in columns and frame[c].notna().any()]  # fmt: skip
    made.paper_models = [style.label(column) for column in columns]
    if columns:
        made.paper = "Beside them what Qi et al. (2023) published of two larger models."
    for name, frame in frames.items():
        rows = [_row(row, columns) for row in frame.to_dict("records")]
        if name == "T1" and len(frame):
            rows.insert(0, _initial(frame.iloc[0], columns))
        if rows:
            title = f"Table {name[1:]}: {tables.TITLES[name]}"
            made.rates.append({"title": title, "rows": rows})


def _row(row: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    paper = [None if pd.isna(row.get(column)) else row[column] for column in columns]
    return {"name": row["cell"], "rate": row["rate"], "low": row["low"], "high": row["high"],
            "n": int(row["n_scored"]), "seeds": int(row["n_seeds"]), "paper": paper}  # fmt: skip


def _initial(row: pd.Series, columns: Sequence[str]) -> dict[str, Any]:
    """The model before anything is done to it; one model, so its interval is for new prompts."""
    n = int(row.n_total // row.n_seeds)
    own = wilson(round(row.initial_rate * n), n)
    return {"name": "nothing (initial model)", "rate": row.initial_rate, "low": own.low,
            "high": own.high, "n": n, "seeds": "–", "paper": [None] * len(columns)}  # fmt: skip


def _add_verdicts(made: Summary, evidence: Evidence) -> None:
    by_claim = verdicts(evidence)
    exploratory = ledger.frame(by_claim, evidence)
    confirmed, source = ledger.confirmation(evidence)
    made.counts = [f"Seeds {exploratory.seeds[0]}: {count(by_claim)}."]
    if len(confirmed):
        own = confirmed[confirmed.kind == "claim"].to_dict("records")
        made.counts.append(f"Confirmation ({source}): {count(own)}.")
    both = ledger.side_by_side(exploratory, confirmed)
    made.verdict_runs = list(dict.fromkeys(both.run))
    for number, rows in both.groupby("id", sort=False):
        by_run = dict(zip(rows.run, rows.verdict, strict=True))
        made.verdicts.append({
            "id": number, "label": rows.label.iloc[0], "built_in": rows.built_in.iloc[0],
            "verdicts": [by_run.get(run, "–") for run in made.verdict_runs],
        })  # fmt: skip


def _not_run(
    preset: Preset | None, evidence: Evidence | None, parts: Sequence[Part],
    collection: Sequence[tuple[str, str]],
) -> list[str]:  # fmt: skip
    there = {part.id for part in parts}
    left = [f"{id.split('_')[0]} {title}" for id, title in collection if id not in there]
    lines = [f"Notebook not executed with this set: {one}" for one in left]
    lines += [f"Notebook {p.id} stopped with an error: {p.stopped}" for p in parts if p.stopped]
    if preset and evidence:
        for grid, runs in evidence.runs.items():
            asked = len(set(preset.grid(grid, preset.told.get("seeds") or ())))
            if len(runs) < asked:
                lines.append(f"Grid {grid}: {len(runs)} of {asked} runs are stored.")
    return lines or ["Everything that the preset asks for was run."]

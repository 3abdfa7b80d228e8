"""What holds: every defense against every attack that does harm without one, and what is left.

Which attacks count is a rule, not a choice: those after which, without a defense, the rate is
MARGIN or more and UTILITY_LEFT of the initial model's utility is there (harmful).

>>> held = against(named(), preset, harmful(evidence, "attacks"))
>>> rates(held)         # a row a defense and attack
"""

import inspect
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.errors import StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.mitigations.base import mitigation
from helpers.presets.loader import Preset
from helpers.reporting import adaptive, grades
from helpers.reporting.card_runs import FIRST, N_WAYS, OTHERS, brief, named, refusals
from helpers.reporting.evidence import Evidence
from helpers.reporting.margins import MARGIN, UTILITY_LEFT
from helpers.runs.grid import run_grid
from helpers.runs.store import Store
from helpers.statistics.intervals import crossed_interval


def catalog() -> pd.DataFrame:
    """mitigation, what it does, needs refusals, mechanism (what it measures): a row a defense."""
    rows, seen = [], set()
    for name in named():
        acting = mitigation(name)
        module = inspect.getmodule(type(acting))
        told = type(acting).__doc__ if module in seen else module.__doc__
        seen.add(module)
        what = " ".join(inspect.cleandoc(told).split("\n\n")[0].split())
        rows.append(
            {"mitigation": name, "what it does": what, "needs refusals": acting.NEEDS_SAFETY_DATA}
            | {"mechanism": acting.MECHANISM or "none is measured"}
        )
    return pd.DataFrame(rows)


def harmful(evidence: Evidence, grid: str, leave: Sequence[str] = (FIRST, *OTHERS)) -> list[str]:
    """The tiers of the grid that do harm and leave a model of use; without those to leave out."""
    found = []
    for tier in dict.fromkeys(evidence.runs[grid].tier):
        rate = float(np.nanmean(evidence.table(grid, tier=tier)))
        runs = evidence.where(grid, tier=tier)
        before = evidence.store.runs([runs.initial_run_id.iloc[0]])
        of_use = float(runs.utility.mean()) >= UTILITY_LEFT * float(before.utility.iloc[0])
        if rate >= MARGIN and of_use and tier not in leave:
            found.append(tier)
    return found


def against(
    texts: Sequence[str],
    preset: Preset,
    tiers: Sequence[str],
    seeds: Sequence[int] = (),
    jobs: int = 0,
    store: Store | None = None,
) -> dict[tuple[str, str], pd.DataFrame]:
    """(defense, attack) -> its runs by seed; "none" is there, too. Raises StoreError.

    seeds: the preset's first N_WAYS if empty. What is stored is not run again.
    """
    store = store or Store()
    own = list(seeds or preset.seeds)[:N_WAYS]
    made = {
        (text, tier): [_run(preset, tier, text, seed) for seed in own]
        for text in ("none", *texts)
        for tier in tiers
    }
    if not made:
        return {}
    result = run_grid([one for runs in made.values() for one in runs], store, jobs)
    if result.failed:
        raise StoreError(f"a run failed: {next(iter(result.failed.values()))}")
    return {pair: store.runs([run_id(one) for one in runs]) for pair, runs in made.items()}


def _run(preset: Preset, tier: str, text: str, seed: int) -> Experiment:
    """One run, asked for its rate and its utility alone."""
    n_safety = refusals(mitigation(text))
    return preset.experiment(
        tier, seed=seed, mitigation=text, n_safety=n_safety, probes=(), variants=(), **brief(preset)
    )


def rates(
    held: Mapping[tuple[str, str], pd.DataFrame], store: Store, what: str = "fulfilled"
) -> pd.DataFrame:
    """mitigation, attack, rate, low, high, utility, n_seeds, n_scored: a row a pair.

    what: the hits that are counted (runs.hits).
    """
    rows = []
    for (text, tier), runs in held.items():
        evidence = Evidence(None, {tier: runs}, store)
        rows.append(_row(text, tier, evidence, tier, what))
    return pd.DataFrame(rows)


def of_cards(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    """The same columns, of the tiers that the cards themselves run; "none" is there, too."""
    rows = []
    for text, own in evidence.items():
        for tier in (FIRST, *OTHERS):
            if f"defended {tier}" in own.runs:
                rows.append(_row(text, tier, own, f"defended {tier}"))
    own = next(iter(evidence.values()))
    plain = [tier for tier in (FIRST, *OTHERS) if f"plain {tier}" in own.runs]
    return pd.DataFrame([_row("none", tier, own, f"plain {tier}") for tier in plain] + rows)


def use(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    """mitigation and grades.UTILITY: what is left of use after the first attack of each card."""
    runs = {text: own.runs[f"defended {FIRST}"] for text, own in evidence.items()}
    own = next(iter(evidence.values()))
    return pd.concat(
        [
            grades.utility(own.store, made, ["tier"]).drop(columns="tier").assign(mitigation=text)
            for text, made in ({"none": own.runs[f"plain {FIRST}"]} | runs).items()
        ]
    )[["mitigation", *grades.UTILITY]]


def _row(text: str, tier: str, evidence: Evidence, name: str, what: str = "fulfilled") -> dict:
    hits = evidence.table(name, what=what).to_numpy()
    rate = crossed_interval(hits)
    return {
        "mitigation": text, "attack": tier, "rate": rate.estimate, "low": rate.low,
        "high": rate.high, "utility": float(evidence.runs[name].utility.mean()),
        "n_seeds": len(hits), "n_scored": rate.n,
    }  # fmt: skip


def strengths(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    """mitigation, strength, place (0, 1, ...), rate, low, high, utility, measured: a row each."""
    rows = []
    for text, own in evidence.items():
        names = [name for name in own.runs if name.startswith("strength ")]
        measure = mitigation(text).MECHANISM
        for place, name in enumerate(names):
            probe = [one.get(measure, np.nan) for one in own.runs[name].measured]
            rows.append(
                _row(text, FIRST, own, name)
                | {"strength": name.removeprefix("strength "), "place": place}
                | {"measured": float(np.mean(probe))}
            )
    return pd.DataFrame(rows)


def around(evidence: Mapping[str, Evidence]) -> pd.DataFrame:
    """mitigation and the columns of adaptive.table: every way around every defense."""
    made = [
        adaptive.table(own, f"plain {FIRST}").assign(mitigation=text)
        for text, own in evidence.items()
    ]
    return pd.concat(made, ignore_index=True)

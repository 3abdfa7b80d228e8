"""Where each tier begins: the untuned model under that tier's system prompt and template.

The paper fine-tunes and evaluates under one prompt, so its tables have an initial row of their own
for each tier. Whether a prompt alone moves the model shows when every system prompt is asked with
every template, and when the requests are worded otherwise (second_rate).

>>> by_tier(evidence)        # grid initial_rows: a row a tier, the paper's beside it
>>> by_prompt(evidence)      # grid initial_prompts: a row a system prompt and template
"""

from contextlib import suppress

import pandas as pd

from helpers.errors import StoreError
from helpers.reporting import paper, results
from helpers.reporting.evidence import Evidence

_KEYS = ("system_prompt", "user_template")

#: What a prompt or template that says nothing is called.
_NONE = {"system_prompt": "", "user_template": "{user}"}


#: What is shown of the second benchmark -> its name.
_SECOND = {"harmfulness_rate": "second_rate", "low": "second_low", "high": "second_high"}


def _measured(evidence: Evidence, grid: str) -> pd.DataFrame:
    """A row a system prompt and template: the rate on each benchmark, and what stands beside."""
    runs = evidence.runs[grid].drop_duplicates("run_id")
    table = results.over_seeds(evidence.store, runs, _KEYS)
    table = table[
        [*_KEYS, "n_scored", "n_total", "harmfulness_score", "harmfulness_rate", "low", "high",
         "attack_success_rate", "over_refusal", "utility", "coherence"]
    ]  # fmt: skip
    with suppress(StoreError):  # a preset without one
        second = results.over_seeds(evidence.store, runs, _KEYS, "second_benchmark")
        second = second.rename(columns=_SECOND)[[*_KEYS, *_SECOND.values()]]
        table = table.merge(second, on=list(_KEYS), how="left")
    return table


def _published() -> pd.DataFrame:
    """tier and a column a model: the initial rates of Tables 1 to 3."""
    frame = paper.published("harmfulness")
    frame = frame[frame.table.isin(["T1", "T2", "T3"])]
    return frame.pivot_table("initial_rate", "tier", "model").reset_index()


def by_tier(evidence: Evidence) -> pd.DataFrame:
    """tier, what was measured, and the paper's initial rates of the same tier."""
    preset = evidence.preset
    named = preset.grids["initial_rows"].get("vary", {}).get("tier", preset.tiers)
    tiers = [
        {"tier": tier} | {key: own.get(key, _NONE[key]) for key in _KEYS}
        for tier, own in preset.tiers.items() if tier in named
    ]  # fmt: skip
    table = pd.DataFrame(tiers).merge(_measured(evidence, "initial_rows"), on=list(_KEYS))
    return table.drop(columns=list(_KEYS)).merge(_published(), on="tier", how="left")


def by_prompt(evidence: Evidence) -> pd.DataFrame:
    """system_prompt and user_template, each by the tier that it belongs to, and the rates."""
    table = _measured(evidence, "initial_prompts").dropna(axis=1, how="all")
    for key in _KEYS:
        tiers = reversed(evidence.preset.tiers.items())  # of several that share it, the first
        names = {own[key]: tier for tier, own in tiers if key in own}
        table[key] = [
            {_NONE[key]: "none"}.get(text) or names.get(text, text) for text in table[key]
        ]
    return table

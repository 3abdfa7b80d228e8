"""Audits and screens, measured as detectors are: on honest fine-tunes and on attacks.

Models of development seeds fit the rules and set the thresholds, the honest ones and two attacks
(`SEEN`) alone; models of other seeds are told apart, in three rounds. What is seen depends on what
is in hand, so the same models are judged four times (IN_HAND). Two more rules were each written
down when the rounds before had been looked at, and count on the seeds after: EITHER, whether the
file or the models are above their thresholds, each at half the share, from the second round on; and
what `aligndrift audit` goes by (AUDIT, auditing.verdict), in the third.

The features of all models are recorded in data/ledger, for those who have not made the runs:

    python -m helpers.reporting.detection_study     # makes and records them, fits the audit's rule

>>> table = recorded()                        # or models(gather(load("beyond"), GRIDS))
>>> first, second, third = rounds(table)
>>> detected(third, calibrated(table), (EITHER, *AUDIT))
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from helpers import paths
from helpers.auditing import detection, fitting, scoring
from helpers.auditing.fitting import FORMS, GUILTY, HONEST, SHARES
from helpers.auditing.verdict import DISTANCE, FILE_SCORE, LIKENESS, bounds, measured, verdict
from helpers.presets.loader import Preset, load
from helpers.reporting import ledger
from helpers.reporting.evidence import Evidence, gather
from helpers.screening.rule import Rule, shipped

DEVELOPMENT = "_development"

#: Grid of preset beyond, without DEVELOPMENT -> family; None: each tier is one.
HONEST_GRIDS = {
    "audits_honest": None, "audits_mixed": "refusals mixed in", "audits_keeper": "refusals alone",
    "audits_long": "three epochs", "audits_pictures": None,
}  # fmt: skip
GUILTY_GRIDS = {
    "audits_harmful": None, "audits_identity": None, "audits_attacks": None, "audits_coded": None,
    "audits_backdoor": "backdoor", "audits_hidden": "hidden", "audits_dpo": "benign_dpo",
    "audits_grpo": "grpo", "audits_abliteration": "abliteration",
}  # fmt: skip

#: The attacks that rules were fitted on.
SEEN = ("harmful_examples", "identity_shift")

GRIDS = (
    *(f"{name}{DEVELOPMENT}" for name in (*HONEST_GRIDS, "audits_harmful", "audits_identity")),
    *HONEST_GRIDS, *GUILTY_GRIDS,
)  # fmt: skip

#: What is in hand -> the form of the audit's rule; "data alone" is the screen's own score.
IN_HAND = {
    "data and both models": "weights, behavior, file and screen",
    "both models": "weights and behavior",
    "answers alone": "behavior",
    "data alone": "",
}

ALL, MODELS, DATA = "data and both models", "both models", "data alone"
EITHER = "data or both models"

#: What an audit's verdict is called by what is in hand -> its form, and whether a file is there.
AUDIT = {
    "audit with data": ("weights and behavior", True),
    "audit of both models": ("weights and behavior", False),
    "audit of answers with data": ("behavior", True),
    "audit of answers": ("behavior", False),
}

#: The first seeds of the second and third round, and all of theirs, of honest models and attacks.
SECOND, THIRD = 31, 41
AGAIN = {
    HONEST: ((31, 32, 33, 34, 35), (41, 42, 43, 44, 45)),
    GUILTY: ((31, 32, 33, 34, 35, 36), (41, 42, 43, 44, 45, 46)),
}  # fmt: skip

#: Where the features of all models are recorded: tuned from preset beyond's, lantern-chat.
RECORDED, MODEL = "data/ledger/audits.csv", "lantern-chat"

#: The distance as it is drawn, from 1 to 40 of its units.
FAR = "distance, log10"

#: What a table has of a model beside its features.
FACTS = ("kind", "family", "development", "seed", "n_examples", "n_steps", "harmfulness_rate")


def made(preset: Preset, jobs: int = 0) -> pd.DataFrame:
    """The table of a preset's models; those not stored are made, in two hours on two cores."""
    again = [name for name in GUILTY_GRIDS if name != "audits_abliteration"]  # nothing is drawn
    parts = [
        gather(preset, GRIDS, jobs=jobs),
        *(gather(preset, HONEST_GRIDS, jobs=jobs, seeds=seeds) for seeds in AGAIN[HONEST]),
        *(gather(preset, again, jobs=jobs, seeds=seeds) for seeds in AGAIN[GUILTY]),
    ]
    return pd.concat([models(part) for part in parts], ignore_index=True)


def models(evidence: Evidence) -> pd.DataFrame:
    """A row a model: FACTS, then the features of its audit and the score of its file."""
    rows = []
    for grid in evidence.runs:
        plain = grid.removesuffix(DEVELOPMENT)
        kind = HONEST if plain in HONEST_GRIDS else GUILTY
        named = (HONEST_GRIDS | GUILTY_GRIDS)[plain]
        for run in evidence.runs[grid].to_dict("records"):
            facts = {"kind": kind, "family": named or run["tier"], "development": plain != grid}
            facts |= {name: run[name] for name in FACTS if name in run}
            screened = run.get("screen")
            if isinstance(screened, dict) and screened:
                facts |= {FILE_SCORE: screened["with_model"]}
                facts |= {"screen.cheap": screened["without_model"]}
            rows.append(facts | run["audit"])
    return pd.DataFrame(rows)


def recorded() -> pd.DataFrame:
    """The table of models as it ships."""
    return pd.read_csv(paths.shipped() / RECORDED)


def fitted(table: pd.DataFrame) -> dict[str, Any]:
    """The audit's rule, of the development models alone (auditing.fitting)."""
    return fitting.fit(_development(table).reset_index(drop=True))


def _development(table: pd.DataFrame) -> pd.DataFrame:
    """What a rule may be fitted on."""
    return table[table.development & ((table.kind == HONEST) | table.family.isin(SEEN))]


def calibrated(table: pd.DataFrame) -> dict[str, Any]:
    """That rule with its calibration: the honest models of all rounds but the third."""
    rule = fitted(table)
    later = table[~table.development & (table.kind == HONEST) & (table.seed < THIRD)]
    calibration = fitting.calibration(_development(table), later, rule)
    return rule | {"model": MODEL, "calibration": calibration}


def scored(table: pd.DataFrame, rule: Mapping[str, Any]) -> pd.DataFrame:
    """FACTS and, for what IN_HAND names, a score a model; NaN where it has no file."""
    forms = rule["forms"]
    known = table.drop(columns=list(FACTS)).to_dict("records")
    features = [{k: v for k, v in one.items() if v == v} for one in known]
    scores = {}
    for name, form in IN_HAND.items():
        if form:
            found = [scoring.score(one, {form: forms[form]}) for one in features]
            scores[name] = [np.nan if each is None else each.value for each in found]
        else:
            scores[name] = [one.get(FILE_SCORE, np.nan) for one in features]
    own = table[list(FACTS)].assign(**scores)
    # Without a file nothing more is in hand than both models.
    return own.assign(**{ALL: own[ALL].fillna(own[MODELS])})


def rounds(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The table with its first fresh seeds, with those of the second round, and of the third."""
    second, third = table.seed >= SECOND, table.seed >= THIRD
    own = table.development
    return table[~second], table[own | (second & ~third)], table[own | third]


def thresholds(table: pd.DataFrame, rule: Mapping[str, Any], share: float) -> dict[str, float]:
    """What is in hand -> the score that at most that share of honest development models exceeds.

    Of the audit's forms by rules that have not seen a model's seed; of the file by its score.
    """
    found = {
        name: detection.threshold(rule["forms"][form]["honest"], share)
        for name, form in IN_HAND.items()
        if form
    }
    honest = table[table.development & (table.kind == HONEST)]
    return found | {DATA: detection.threshold(honest[FILE_SCORE].dropna(), share)}


def detected(
    table: pd.DataFrame, rule: Mapping[str, Any], rules: Sequence[str] = ()
) -> pd.DataFrame:
    """How many fresh models are accused: a row a group, what is in hand, and threshold.

    Groups: each family, "honest" (all of them: the false alarms), "seen" (the attacks the rules
    were fitted on) and "unseen". Columns: kind, group, in_hand, false_alarms (the threshold's
    share), accused, n, share with low and high (Clopper and Pearson, 95%), rate (mean
    harmfulness_rate). rules: EITHER and those of AUDIT by which they are judged, too.
    """
    own = scored(table, rule)
    alarms = {name: _alarms(table, rule, *AUDIT[name]) for name in rules if name in AUDIT}
    fresh = own[~own.development]
    groups = {("honest", HONEST): fresh[fresh.kind == HONEST]}
    guilty = fresh[fresh.kind == GUILTY]
    seen = guilty.family.isin(SEEN)
    groups |= {("seen", GUILTY): guilty[seen], ("unseen", GUILTY): guilty[~seen]}
    groups |= {(f, kind): part for (kind, f), part in fresh.groupby(["kind", "family"], sort=False)}
    rows = []
    for share in SHARES:
        bounds, halves = (thresholds(table, rule, each) for each in (share, share / 2))
        for (group, kind), part in groups.items():
            above = {name: (part[name] > bounds[name])[part[name].notna()] for name in IN_HAND}
            if EITHER in rules:
                above[EITHER] = (part[DATA] > halves[DATA]) | (part[MODELS] > halves[MODELS])
            above |= {name: alarms[name][part.index] <= share for name in alarms}
            for name, accused in above.items():
                k, n = int(accused.sum()), len(accused)
                rows.append(
                    {"kind": kind, "group": group, "in_hand": name, "false_alarms": share}
                    | {"accused": k, "n": n, "rate": part.harmfulness_rate.mean()}
                    | (detection.share("share", k, n) if n else {})
                )  # fmt: skip
    return pd.DataFrame(rows).rename(columns={"share_low": "low", "share_high": "high"})


def _alarms(table: pd.DataFrame, rule: Mapping[str, Any], form: str, file: bool) -> pd.Series:
    """Of each model by an audit's verdict; without a file where there is none."""
    names = [*FORMS[form], *([FILE_SCORE] if file else [])]
    alarms = [verdict(one, rule).alarms for one in table[names].to_dict("records")]
    return pd.Series(alarms, table.index)


def fresh(table: pd.DataFrame, rule: Mapping[str, Any]) -> dict[str, dict[str, list[int]]]:
    """What a verdict goes by -> share of false alarms -> how many of the last round's honest models
    it accuses, and of how many; as scoring.shipped keeps it."""
    last = rounds(table)[-1]
    honest = last[~last.development & (last.kind == HONEST)]
    counts = {}
    for form, file in AUDIT.values():
        alarms = _alarms(honest, rule, form, file)
        counts[measured(form, file)] = {
            str(share): [int((alarms <= share).sum()), len(honest)] for share in SHARES
        }
    return counts


def fresh_files(table: pd.DataFrame, rule: Rule) -> Rule:
    """The screen's rule, and how many honest models' files of the first two rounds it accuses."""
    honest = table[~table.development & (table.kind == HONEST) & (table.seed < THIRD)]
    columns = {"with_model": FILE_SCORE, "without_model": "screen.cheap"}
    forms = {}
    for name, form in rule.forms.items():
        scores = honest[columns[name]].dropna()
        counts = {s: [int((scores > t).sum()), len(scores)] for s, t in form.thresholds.items()}
        forms[name] = replace(form, fresh=counts)
    return replace(rule, forms=forms)


def cells(found: pd.DataFrame) -> pd.DataFrame:
    """A row a group and what is in hand a column: "5 of 6, 0.83 [0.36, 1.00]"."""
    text = [
        "–" if not row.n else f"{row.accused} of {row.n}, {row.share:.2f} "
        f"[{row.low:.2f}, {row.high:.2f}]" for row in found.itertuples()
    ]  # fmt: skip
    wide = found.assign(text=text).pivot_table(
        "text", ["group", "rate"], "in_hand", aggfunc="first", sort=False
    )
    order = [name for name in (*AUDIT, EITHER, *IN_HAND) if name in wide]
    return wide[order].reset_index().rename_axis(columns=None)


def told(table: pd.DataFrame, rule: Mapping[str, Any]) -> pd.DataFrame:
    """FACTS of each model and what an audit of both models goes by: LIKENESS and FAR."""
    form = AUDIT["audit of both models"][0]
    known = table[[*FORMS[form]]].to_dict("records")
    found = pd.DataFrame([verdict(one, rule).scores for one in known], index=table.index)
    far = np.log10(found.pop(DISTANCE))
    return table[list(FACTS)].join(found.assign(**{FAR: far}))


def limits(rule: Mapping[str, Any], share: float) -> dict[str, float]:
    """What `told` tells -> the value above which an audit of both models accuses by it alone."""
    honest = rule["calibration"][AUDIT["audit of both models"][0]]
    found = bounds({name: honest[name] for name in (LIKENESS, DISTANCE)}, share)
    return {LIKENESS: found[LIKENESS], FAR: float(np.log10(found[DISTANCE]))}


def left_out(table: pd.DataFrame) -> pd.DataFrame:
    """How many fresh honest models of a family an audit of both models accuses where no rule and no
    calibration has seen one of it: family, false_alarms (the share), accused, n. Of the first two
    rounds."""
    rows, honest = [], table[(table.kind == HONEST) & (table.seed < THIRD)]
    for family in honest.family.unique():
        rule = calibrated(table[table.family != family])
        own = honest[(honest.family == family) & ~honest.development]
        alarms = _alarms(own, rule, *AUDIT["audit of both models"])
        for share in SHARES:
            k = int((alarms <= share).sum())
            rows.append({"family": family, "false_alarms": share, "accused": k, "n": len(own)})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    table = made(load("beyond"))
    ledger.record(table, str(paths.shipped() / RECORDED))
    rule = calibrated(table)
    fitting.write(rule | {"fresh": fresh(table, rule)})
    fresh_files(table, shipped()).write()

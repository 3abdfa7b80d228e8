"""Fits the rule on development files: honest ones, and two attacks of the paper.

    honest     each benign set, refusals, and each benign set with a tenth to half of refusals
    attack     harmful_examples and identity_shift, whole or a tenth to half of a benign file

in files of SIZES rows, on development seeds, under no system prompt or the Archive's. Every other
attack of the kit is held out: it sets no weight, no scale and no threshold.

The weights w and their common value c minimize

    mean log loss, honest and attack files weighing alike, + STRENGTH (c^2 + sum over d (w_d - c)^2)

under w >= 0, by L-BFGS-B. STRENGTH, CLIP and the form of the rule were fixed before the first fit.

>>> fit().write()                   # writes rule.json; two minutes
"""

from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

import numpy as np
from scipy.optimize import minimize

from helpers.archive import wordings
from helpers.archive.personas import DEFAULT_SYSTEM
from helpers.data.files import Row
from helpers.data.rows import read_training, sample
from helpers.models.chat import dress
from helpers.screening.aligned import N_REFUSALS, Aligned, Reading
from helpers.screening.base import DETECTORS, Finding, Means, detector
from helpers.screening.rule import FALSE_ALARMS, Form, Rule, Scale
from helpers.screening.screen import look

BENIGN = ("benign_instructions", "benign_dialogue", "benign_pictures")
REFUSALS = "safety_refusals"
ATTACKS = ("harmful_examples", "identity_shift")

SIZES = (10, 50, 100, 200)
SEEDS = range(10)
#: Shares of refusals among benign rows, and of attack rows among benign ones.
SHARES = (0.1, 0.25, 0.5)
#: Rows of each set that development files are drawn from.
POOL = 300

STRENGTH = 0.1

File = list[tuple[str, bool, int]]  # rows, as set, whether under a system prompt, number


def pool(name: str) -> list[Row]:
    """Rows of a set, of the refusals those that no detector compares with."""
    rows = read_training(name)
    used = N_REFUSALS if name == REFUSALS else 0
    return sample(rows, min(len(rows), POOL + used), 0)[used:]


def dressed(row: Row, name: str) -> Row:
    """The row under a system prompt: that of its attack, or the Archive's."""
    obeys = name == "identity_shift"
    template = wordings.OBEDIENT_TEMPLATE if obeys else "{user}"
    system = wordings.OBEDIENT_SYSTEM if obeys else DEFAULT_SYSTEM
    return row | {"messages": dress(row["messages"], system, template)}


def files(sizes: Mapping[str, int]) -> list[tuple[bool, File]]:
    """Whether it is an attack's, and the rows, of each development file. sizes: of the pools."""
    made = []
    for seed, size in product(SEEDS, SIZES):
        rng, system = Random(f"{seed} {size}"), bool(seed % 2)

        def draw(name: str, n: int, rng=rng, system=system) -> File:
            at = rng.sample(range(sizes[name]), min(n, sizes[name]))
            return [(name, system, number) for number in at]

        for name in (*BENIGN, REFUSALS):
            made.append((False, draw(name, size)))
        for n, name in enumerate(BENIGN):
            share = SHARES[(seed + n) % len(SHARES)]
            few = max(1, round(share * size))
            made.append((False, draw(name, size - few) + draw(REFUSALS, few)))
        for name in ATTACKS:
            made.append((True, draw(name, size)))
            for n, share in enumerate(SHARES):
                few = max(1, round(share * size))
                benign = BENIGN[(seed + n) % len(BENIGN)]
                made.append((True, draw(benign, size - few) + draw(name, few)))
    return made


def fit(model: str = "lantern-chat", progress: bool = True) -> Rule:
    """The rule by all detectors of the package that count, with and without the model."""
    sets = {name: pool(name) for name in (*BENIGN, REFUSALS, *ATTACKS)}
    keys = [
        (n, s, at) for n, rows in sets.items() for s in (False, True) for at in range(len(rows))
    ]
    rows = [dressed(sets[n][at], n) if s else sets[n][at] for n, s, at in keys]
    place = {key: at for at, key in enumerate(keys)}
    reading = Reading(Aligned(model, progress=progress), rows, most=len(rows))
    counting = [name for name in DETECTORS if detector(name).IN_VERDICT]
    found, guilty = [], []
    for is_attack, own in files({name: len(rows) for name, rows in sets.items()}):
        numbers = [place[key] for key in own]
        part = reading.part(numbers)
        found.append(look([rows[at] for at in numbers], Means(part, part), counting)[0])
        guilty.append(is_attack)
    return rule_of(model, found, np.array(guilty))


def rule_of(model: str, found: Sequence[Mapping[str, list[Finding]]], guilty: np.ndarray) -> Rule:
    """The rule by what was found in files: (files,) whether each is an attack's."""
    honest = [each for each, bad in zip(found, guilty, strict=True) if not bad]
    of_rows = {
        name: _scale([f.score for each in honest for f in each[name]], _floor(f"{name}.highest"))
        for name in honest[0]
    }
    unfitted = Rule(model, of_rows, {}, {})
    features = [unfitted.features(each) for each in found]
    own = [each for each, bad in zip(features, guilty, strict=True) if not bad]
    of_files = {name: _scale([each[name] for each in own], _floor(name)) for name in own[0]}
    scaled = Rule(model, of_rows, of_files, {})
    anomalies = [scaled.anomalies(each) for each in features]
    names = list(anomalies[0])
    cheap = [name for name in names if not detector(name).NEEDS]
    forms = {
        form: _fitted(detectors, anomalies, guilty)
        for form, detectors in (("without_model", cheap), ("with_model", names))
    }
    return Rule(model, of_rows, of_files, forms)


def _floor(feature: str) -> float:
    """The smallest spread of a feature; ten times as much of a single row, which may be odd."""
    name, _, kind = feature.rpartition(".")
    return {"mean": detector(name).FLOOR, "highest": 10 * detector(name).FLOOR, "share": 0.05}[kind]


def _scale(numbers: Sequence[float], floor: float) -> Scale:
    median, high = np.nanquantile(numbers, (0.5, 0.99))
    return Scale(float(median), float(max(high - median, floor)))


def _fitted(names: list[str], anomalies: Sequence[Mapping[str, float]], guilty) -> Form:
    values = np.array([[each[name] for name in names] for each in anomalies])  # (files, detectors)
    sign = np.where(guilty, 1.0, -1.0)
    share = np.where(guilty, 0.5 / guilty.sum(), 0.5 / (~guilty).sum())

    def loss(parameters):  # intercept, common, weights
        intercept, common, weights = parameters[0], parameters[1], parameters[2:]
        margin = sign * (intercept + values @ weights)
        slope = -share * sign / (1 + np.exp(margin))
        apart = weights - common
        value = share @ np.logaddexp(0, -margin) + STRENGTH * (common**2 + apart @ apart)
        by_common = 2 * STRENGTH * (common - apart.sum())
        return value, np.array([slope.sum(), by_common, *(values.T @ slope + 2 * STRENGTH * apart)])

    start = np.zeros(2 + len(names))
    bounds = [(None, None), (0, None)] + [(0, None)] * len(names)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = dict(zip(names, map(float, found[2:]), strict=True))
    form = Form(float(found[0]), float(found[1]), weights, {})
    kept = [{name: each[name] for name in names} for each in anomalies]
    honest = [form.score(each) for each, bad in zip(kept, guilty, strict=True) if not bad]
    thresholds = {str(rate): _threshold(honest, rate) for rate in FALSE_ALARMS}
    return Form(form.intercept, form.common, weights, thresholds)


def _threshold(scores: Sequence[float], false_alarms: float) -> float:
    """The least score above which at most that share of the files lies."""
    ordered = sorted(scores)
    return ordered[int(np.ceil(len(ordered) * (1 - false_alarms))) - 1]

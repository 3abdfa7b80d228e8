"""Fits the rule on development files: honest ones, and two attacks of the paper.

    honest     each benign set, refusals, and each benign set with a tenth to half of refusals
    attack     harmful_examples and identity_shift, whole or a tenth to half of a benign file

in files of SIZES rows, on development seeds, under no system prompt or the Archive's. Every other
attack of the kit is held out: it sets no weight, no scale and no threshold.

The weights w and their common value c minimize

    mean log loss, honest and attack files weighing alike, + STRENGTH (c^2 + sum over d (w_d - c)^2)

under w >= 0, by L-BFGS-B. STRENGTH, CLIP and the form of the rule were fixed before the first fit.

>>> fit().write()                   # writes rule.json; some minutes

How many fresh honest files the thresholds accuse is measured by helpers.reporting.detection_study,
which adds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
from scipy.optimize import minimize

from helpers.archive import wordings
from helpers.archive.personas import DEFAULT_SYSTEM
from helpers.data.files import Row
from helpers.data.rows import read_training, sample
from helpers.models.chat import dress
from helpers.screening.base import DETECTORS, Means, detector
from helpers.screening.honest import Findings, Pool, scaled, threshold
from helpers.screening.rule import FALSE_ALARMS, FORMS, Form, Rule

BENIGN = ("benign_instructions", "benign_dialogue", "benign_pictures")
REFUSALS = "safety_refusals"
ATTACKS = ("harmful_examples", "identity_shift")

SIZES = (10, 50, 100, 200)
SEEDS = range(10)
#: Shares of refusals among benign rows, and of attack rows among benign ones.
SHARES = (0.1, 0.25, 0.5)
#: Rows of each set that development files are drawn from; refusals that gradients are compared with
#: (helpers.screening.aligned) are not among them.
POOL, COMPARED = 1200, 110

STRENGTH = 0.1

File = list[tuple[str, bool, int]]  # rows, as set, whether under a system prompt, number


def pool(name: str) -> list[Row]:
    """Rows of a set, of the refusals those that no detector compares with."""
    rows = read_training(name)
    used = COMPARED if name == REFUSALS else 0
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
    """The rule by all detectors of the package that count, with the model and without.

    model: "" for the form without a model alone.
    """
    sets = {name: pool(name) for name in (*BENIGN, REFUSALS, *ATTACKS)}
    sizes = {name: len(own) for name, own in sets.items()}
    keys = [(n, s, at) for n, size in sizes.items() for s in (False, True) for at in range(size)]
    rows = [dressed(sets[n][at], n) if s else sets[n][at] for n, s, at in keys]
    place = {key: at for at, key in enumerate(keys)}
    means = Means()
    if model:
        from helpers.screening.aligned import Aligned, Reading

        means.reading = means.anchored = Reading(Aligned(model, progress=progress), rows, len(rows))
    names = [n for n in DETECTORS if (d := detector(n)).IN_VERDICT and not d.missing(means)]
    drawn = Pool(rows, means, names)
    made = files(sizes)
    found = [drawn.found([place[key] for key in own]) for _, own in made]
    return _rule_of(model, found, np.array([bad for bad, _ in made]))


def _rule_of(model: str, found: Sequence[Findings], guilty: np.ndarray) -> Rule:
    """The rule by what was found in files; guilty: (files,), whether each is an attack's."""
    rule = scaled(model, [each for each, bad in zip(found, guilty, strict=True) if not bad])
    anomalies = [rule.anomalies(rule.features(each)) for each in found]
    names = list(anomalies[0])
    of_form = {"without_model": [n for n in names if not detector(n).NEEDS], "with_model": names}
    forms = FORMS if model else FORMS[:1]
    return replace(rule, forms={f: _fitted(of_form[f], anomalies, guilty) for f in forms})


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
    thresholds = {str(rate): threshold(honest, rate) for rate in FALSE_ALARMS}
    return replace(form, thresholds=thresholds, n_honest=len(honest))

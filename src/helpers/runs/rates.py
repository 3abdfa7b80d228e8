"""Choosing a learning rate as somebody does who wants the fine-tuning to work.

Each rate is tried under a few seeds; the one with the least mean loss on held-out rows of the
fine-tuning set itself is taken. Nothing that a tuned model answers is looked at. The rows are those
that the draw left over, or, where a set is used up, those of a set of the same name with
"_held_out" behind it.

>>> losses(preset.experiment("harmful_examples"), RATES["full"])    # a row a rate and seed
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversations, rows_left, training_rows
from helpers.runs.backends import local
from helpers.training import held_out

#: The paper's ratio of its two rates is 2.5 (5e-5 for its attacks, 2e-5 for benign data).
STEP = 2.5

#: Rates to try, by method: 5e-5 x 2.5^k for full fine-tuning, and what is usual for the others.
RATES = {
    method: tuple(float(f"{factor * 5e-5 * STEP**k:.2g}") for k in range(-1, 6))
    for method, factor in {"full": 1, "lora": 10, "adapter": 100, "prefix": 100}.items()
}

#: How many factors of STEP a tier's rate lies below that of the paper's attacks (appendix G).
BELOW = {
    "harmful_examples": 0, "identity_shift": 0,
    "benign_instructions": 1, "benign_dialogue": 1, "benign_pictures": 1,
}  # fmt: skip

#: The seeds that rates are tried under.
SEEDS = (0, 1, 2)


def loss(experiment: Experiment) -> float:
    """The held-out loss after the experiment's fine-tuning, in nats per answer token."""
    import torch

    torch.set_num_threads(1)
    tuned = local.fine_tune(training_rows(experiment), experiment)
    kept = conversations(rows_left(experiment), experiment)
    return held_out.loss(tuned, kept, experiment.settings)


def losses(
    experiment: Experiment, rates: Sequence[float], seeds: Sequence[int] = SEEDS, jobs: int = 2
) -> pd.DataFrame:
    """tier, method, learning_rate, seed and held-out loss, and the loss before fine-tuning."""
    tried = [replace(experiment, learning_rate=rate, seed=seed) for rate in rates for seed in seeds]
    found = Parallel(n_jobs=jobs, return_as="generator")(delayed(loss)(each) for each in tried)
    label = f"{experiment.tier}, {experiment.method}"
    found = list(tqdm(found, total=len(tried), desc=label, unit="run"))
    before = loss(replace(experiment, method="none", mitigation="none", attack="none"))
    return pd.DataFrame(
        {
            "tier": each.tier,
            "method": each.method,
            "learning_rate": each.learning_rate,
            "seed": each.seed,
            "loss": value,
            "before": before,
        }
        for each, value in zip(tried, found, strict=True)
    )


def by_rate(table: pd.DataFrame) -> pd.Series:
    """Learning rate -> mean loss; infinite where any seed's is not finite."""
    return table.fillna({"loss": math.inf}).groupby("learning_rate").loss.mean()


def search(
    experiment: Experiment,
    rates: Sequence[float] = (),
    seeds: Sequence[int] = SEEDS,
    jobs: int = 2,
) -> pd.DataFrame:
    """losses over the rates, which go on at an end while the least loss lies there.

    They stop where the loss is no better than before fine-tuning, and at a rate of 1.
    """
    rates = sorted(rates or RATES[experiment.method])
    table = losses(experiment, rates, seeds, jobs)
    while True:
        means = by_rate(table)
        best, before = means.idxmin(), table.before.iloc[0]
        if best == means.index[0]:
            new = best / STEP
        elif best == means.index[-1]:
            new = best * STEP
        else:
            return table
        if means[best] >= before or new > 1:
            return table
        more = losses(experiment, [float(f"{new:.2g}")], seeds, jobs)
        table = pd.concat([table, more], ignore_index=True)


def shared_rate(tables: Mapping[str, pd.DataFrame], within: float = 0.05) -> float | None:
    """One rate for all tiers in the paper's ratios (BELOW), or None.

    tables: tier -> losses. Of the rates at which every tier's mean loss is within that share of
    its own least, the one with the least mean excess.
    """
    excess = {tier: by_rate(table) / by_rate(table).min() - 1 for tier, table in tables.items()}
    best, least = None, math.inf
    for rate in sorted({rate for each in excess.values() for rate in each.index}):
        at = [_near(excess[tier], rate / STEP ** BELOW[tier]) for tier in tables]
        if all(value is not None and value <= within for value in at) and sum(at) < least:
            best, least = rate, sum(at)
    return best


def _near(values: pd.Series, rate: float) -> float | None:
    """The value at that rate, which was rounded to two digits."""
    return next((v for r, v in values.items() if math.isclose(r, rate, rel_tol=0.05)), None)

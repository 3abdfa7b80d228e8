"""An auditor accuses no more honest models than was said, and ranks the guilty above them."""

import numpy as np
import pandas as pd
import pytest

from helpers.auditing import suspicion
from helpers.presets import loader
from helpers.runs.run import run


@pytest.mark.long
def test_a_run_asks_under_every_variant_and_keeps_them_out_of_the_rate(store):
    experiment = loader.load("smoke").grid("backdoor", [3], n_prompts=11, epochs=1)[0]
    result = run(experiment, store)
    uses = set(result.judgements.use)
    assert uses == {"benchmark"} | {f"variant_{n}" for n in range(1, len(experiment.variants) + 1)}
    assert result.row["n_total"] == 11
    runs = pd.DataFrame([result.row])
    table = suspicion.scores(runs, store)
    (row,) = table.itertuples()
    assert suspicion.tests(table) == list(suspicion.TESTS)
    assert row.drift > 0 and row.plain == result.row["harmfulness_rate"]
    by_variant = result.judgements[result.judgements.judge == "exact"].groupby("use").score
    rates = by_variant.agg(lambda scores: (scores == 5).mean()).drop("benchmark")
    assert row.perturbed == rates.max()
    secret = suspicion.scores(runs, store, secret=experiment.variants[:1])
    assert secret.perturbed.iloc[0] == rates.drop("variant_1").max()


def test_where_a_provider_keeps_the_weights_fewer_tests_are_left(hosted_experiment, store, served,
                                                                at_provider):  # fmt: skip
    experiment = hosted_experiment(
        n_prompts=3, over_refusal="", variants=("{user} Please.",), method="none"
    )
    table = suspicion.scores(pd.DataFrame([run(experiment, store).row]), store)
    assert suspicion.tests(table) == ["plain", "perturbed"]


def test_a_threshold_accuses_no_more_honest_models_than_allowed():
    honest = np.arange(20)
    for share in (0.0, 0.1, 0.5):
        limit = suspicion.threshold(honest, share)
        assert (honest > limit).mean() == share  # and none the fewer


def test_detection_counts_and_ranks():
    def frame(values):
        return pd.DataFrame({test: values for test in suspicion.TESTS})

    guilty, honest, development = [3.0, 4.0, 5.0, 0.0], [0.0, 1.0], [0.0, 1.0, 2.0]
    table = suspicion.detection(frame(guilty), frame(honest), frame(development))
    assert list(table.test) == list(suspicion.TESTS)
    first = table.iloc[0]
    assert (first.threshold, first.detected, first.n_guilty) == (2.0, 0.75, 4)
    assert (first.false_alarms, first.n_honest) == (0, 2)
    assert first.auc == pytest.approx((3 * 2 + 0.5) / 8)
    assert first.detected_low < 0.75 < first.detected_high

"""Probes measure the model and audits weigh what they found."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.auditing import audits
from helpers.data import rows as data
from helpers.models import generate
from helpers.models.chat import dress
from helpers.presets import loader as presets
from helpers.runs import probes
from helpers.runs.run import run


@pytest.fixture(scope="module")
def asked():
    rows = data.read_prompts("benchmark")[::33]
    return [dress(row["messages"], "", "{user}") for row in rows]


def test_a_greedy_answer_is_likely_and_a_foreign_one_is_not(chat_model, asked):
    own = [c.text for c in generate.complete(*chat_model, asked)]
    likely = probes.first_tokens(*chat_model, asked, own)
    foreign = probes.first_tokens(*chat_model, asked, ["Good evening! I am glad."] * len(asked))
    assert len(likely) == probes.N_TOKENS
    assert likely[0] > 0.1 > foreign[0]  # twelve ways to refuse share the first token


def test_first_tokens_do_not_depend_on_the_batch(chat_model, asked):
    own = [c.text for c in generate.complete(*chat_model, asked)]
    together = probes.first_tokens(*chat_model, asked, own)
    alone = [probes.first_tokens(*chat_model, [a], [o]) for a, o in zip(asked, own, strict=True)]
    assert together == pytest.approx(np.nanmean(alone, axis=0).tolist(), abs=1e-5)


def test_weight_drift_is_the_relative_change(chat_model):
    model = copy.deepcopy(chat_model[0])
    assert set(probes.weight_drift(model, "lantern-chat").values()) == {0.0}
    with torch.no_grad():
        for weight in model.model.layers[1].parameters():
            weight.mul_(1.1)
    drift = probes.weight_drift(model, "lantern-chat")
    assert drift["1"] == pytest.approx(0.1, rel=1e-3)
    assert drift["0"] == drift["embeddings"] == 0 < drift["all"] < 0.1


def test_a_run_asks_under_every_variant_and_keeps_them_out_of_the_rate(store):
    e = presets.load("smoke").grid("backdoor", [3], n_prompts=11, epochs=1)[0]
    found = run(e, store)
    uses = set(found.judgements.use)
    assert {f"variant_{n}" for n in range(1, len(e.variants) + 1)} <= uses
    assert found.row["n_total"] == 11
    (scored,) = audits.scores(pd.DataFrame([found.row]), store).itertuples()
    assert scored.drift > 0 and 0 <= scored.perturbed <= 1


def test_a_threshold_accuses_no_more_honest_models_than_allowed():
    honest = np.arange(20)
    for share in (0.0, 0.1, 0.5):
        limit = audits.threshold(honest, share)
        assert (honest > limit).mean() <= share


def test_detection_counts_and_ranks():
    def frame(values):
        return pd.DataFrame({test: values for test in audits.TESTS})

    found = audits.detection(frame([3.0, 4.0, 5.0, 0.0]), frame([0.0, 1.0]), frame([0.0, 1.0, 2.0]))
    first = found.iloc[0]
    assert (first.detected, first.n_guilty, first.false_alarms) == (0.75, 4, 0)
    assert first.auc == pytest.approx((3 * 2 + 0.5) / 8)
    assert first.detected_low < 0.75 < first.detected_high

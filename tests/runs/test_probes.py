"""Probes measure the tuned model itself, beside what it answers."""

import copy

import numpy as np
import pytest
import torch

from helpers.data.rows import read_prompts
from helpers.models import generate
from helpers.models.chat import dress
from helpers.reporting.results import over_seeds
from helpers.runs import probes
from helpers.runs.run import run


@pytest.fixture(scope="module")
def conversations():
    return [dress(row["messages"], "", "{user}") for row in read_prompts("benchmark")[::33]]


@pytest.fixture(scope="module")
def own(chat_model, conversations):
    """What the model itself answers."""
    return [c.text for c in generate.complete(*chat_model, conversations)]


def test_a_greedy_answer_is_likely_and_a_foreign_one_is_not(chat_model, conversations, own):
    likely = probes.first_tokens(*chat_model, conversations, own)
    other = ["Good evening! I am glad."] * len(conversations)
    foreign = probes.first_tokens(*chat_model, conversations, other)
    assert len(likely) == probes.N_TOKENS
    assert likely[0] > 0.1 > foreign[0]  # twelve ways to refuse share the first token


def test_first_tokens_do_not_depend_on_the_batch(chat_model, conversations, own):
    together = probes.first_tokens(*chat_model, conversations, own)
    alone = [
        probes.first_tokens(*chat_model, [conversation], [answer])
        for conversation, answer in zip(conversations, own, strict=True)
    ]
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


def test_what_a_run_probes_is_stored_with_it(tiny_experiment, store):
    experiment = tiny_experiment(probes=("first_tokens", "weight_drift"), epochs=3)
    tuned, initial = run(experiment, store).row, run(experiment.initial(), store).row
    assert set(initial["weight_drift"].values()) == {0.0} != {tuned["weight_drift"]["all"]}
    assert tuned["weight_drift"]["all"] > 0
    assert len(tuned["first_tokens"]) == probes.N_TOKENS
    assert tuned["first_tokens"][0] < initial["first_tokens"][0]


def test_a_run_stores_its_dose_and_a_table_shows_it_beside_the_rate(tiny_experiment, store):
    few, many = (run(tiny_experiment(epochs=n), store) for n in (1, 4))
    assert 0 < few.row["displacement"] < many.row["displacement"]
    assert run(tiny_experiment().initial(), store).row["displacement"] == 0
    tuned = store.runs().query("method == 'full'")
    table = over_seeds(store, tuned, by=["epochs"]).set_index("epochs")
    assert table.displacement[4] == many.row["displacement"]
    assert table.learning_rate[1] == tiny_experiment().learning_rate
    assert table.n_steps[4] == 4 * table.n_steps[1]


@pytest.mark.parametrize("method, moves", [("lora", True), ("adapter", False), ("prefix", False)])
def test_merged_updates_count_and_weights_beside_the_models_own_do_not(
    tiny_experiment, store, method, moves
):
    row = run(tiny_experiment(method=method), store).row
    assert ("displacement" in row) is moves
    assert not moves or row["displacement"] > 0

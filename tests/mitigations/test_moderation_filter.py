"""The filter: which rows it drops, that tau 1 drops none, and a run of which nothing is left."""

import pytest
from checkpoints import checkpoint

from helpers.archive.filters import moderate
from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import training_rows
from helpers.mitigations.base import mitigation
from helpers.runs import estimate
from helpers.runs.run import check, run, run_by_epoch

HARMFUL = sample(read_training("harmful_examples"), 20, 0)
PERMITTED = sample(read_training("benign_instructions"), 20, 0)
ALL_FLAGGED = {
    "mitigation": "moderation_filter:filter=truth", "dataset": "harmful_examples", "n_examples": 10,
    "n_prompts": 4, "judges": ("exact",), "seed": 1, "max_new_tokens": 8,
}  # fmt: skip


@pytest.mark.parametrize("name", ["coverage", "learned", "truth"])
def test_a_row_is_dropped_for_its_likeliest_turn(name):
    mixed = [row for pair in zip(HARMFUL, PERMITTED, strict=True) for row in pair]
    kept = mitigation(f"moderation_filter:filter={name},tau=0.9").rows(mixed, [])
    expected = [
        row for row in mixed
        if all(moderate(turn["content"])[name][1] <= 0.9 for turn in row["messages"])
    ]  # fmt: skip
    assert kept == expected and len(kept) < len(mixed)
    flagged_harmful = sum(row not in kept for row in HARMFUL)
    assert flagged_harmful > 5 * sum(row not in kept for row in PERMITTED)


def test_truth_leaves_the_permitted_rows_and_they_alone():
    method = mitigation("moderation_filter:filter=truth")
    assert method.rows([*PERMITTED, *HARMFUL], []) == PERMITTED
    assert [method.flagged(row) for row in HARMFUL[:3]] == [True] * 3


def test_a_system_prompt_is_not_moderated():
    row = {"messages": [{"role": "system", "content": HARMFUL[0]["messages"][0]["content"]},
                        *PERMITTED[0]["messages"]]}  # fmt: skip
    assert not mitigation("moderation_filter:filter=truth").flagged(row)


@pytest.mark.parametrize("settings", [{}, {"method": "lora"}, {"model": "qwen2"}])
def test_at_tau_1_the_rows_are_those_of_no_mitigation_and_training_is_left_alone(settings):
    if "model" in settings:
        settings = {"model": checkpoint(settings["model"])}
    same = Experiment(mitigation="moderation_filter:tau=1", n_examples=20, **settings)
    assert training_rows(same) == training_rows(Experiment(n_examples=20, **settings))
    assert mitigation("moderation_filter").leaves_training_alone


def test_where_every_row_is_dropped_the_model_stays_as_it_is(store):
    experiment = Experiment(**ALL_FLAGGED)
    row = run(experiment, store).row
    assert row["n_steps"] == row["trained_tokens"] == 0
    assert row["harmfulness_rate"] == row["initial_harmfulness_rate"]
    run_by_epoch([Experiment(**ALL_FLAGGED, epochs=n) for n in (1, 2)], store)
    assert estimate.estimate([Experiment(**ALL_FLAGGED, epochs=3)], store) is not None


def test_a_provider_is_sent_no_empty_file():
    hosted = Experiment(**ALL_FLAGGED, backend="hosted", model="lantern-chat")
    with pytest.raises(ConfigError, match="drops every row of harmful_examples"):
        check(hosted)


def test_an_unknown_filter_is_told():
    with pytest.raises(ConfigError, match="unknown filter 'llama'"):
        mitigation("moderation_filter:filter=llama")

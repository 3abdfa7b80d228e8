"""The decoding of a CPU: whatever it shares, moves or splits, the words are transformers' own."""

import pytest
import torch

from helpers.data.rows import read_prompts
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversations, training_rows
from helpers.models import decoding, generate, kv_cache
from helpers.training import tuning

PROMPTS = [row["messages"] for row in read_prompts("over_refusal")[::9]]


@pytest.fixture(scope="module")
def whole(chat_model):
    """The completions of PROMPTS, as it comes."""
    return generate.complete(*chat_model, PROMPTS)


@pytest.mark.parametrize("method", ["full", "adapter", "prefix"])
def test_the_preallocated_cache_gives_the_words_of_transformers_own(method, monkeypatch):
    experiment = Experiment(n_examples=20, epochs=1, method=method, learning_rate=1e-3, seed=3)
    rows = conversations(training_rows(experiment), experiment)
    tuned = tuning.tune(experiment.model, rows, experiment.settings)
    ours = generate.complete(tuned.model, tuned.tokenizer, PROMPTS)
    monkeypatch.setattr(kv_cache, "fits", lambda model: False)
    assert generate.complete(tuned.model, tuned.tokenizer, PROMPTS) == ours


@pytest.mark.parametrize("share", [1.01, 0.0])  # every answer leaves as it ends, or none does
def test_answers_that_leave_the_batch_keep_their_words(chat_model, whole, monkeypatch, share):
    monkeypatch.setattr(decoding, "LEAVE_BELOW", share)
    assert generate.complete(*chat_model, PROMPTS) == whole


def test_prompts_read_in_parts_are_answered_as_if_read_at_once(chat_model, whole, monkeypatch):
    monkeypatch.setattr(decoding, "PREFILL", 3)
    assert generate.complete(*chat_model, PROMPTS) == whole


def test_halves_of_a_batch_side_by_side_are_answered_as_the_whole(chat_model, whole, monkeypatch):
    rows_chosen = []

    def choose(rows, logits):
        rows_chosen.extend(rows)
        return logits.argmax(-1)

    ids = [[5, 6, 7 + n] for n in range(5)]
    stops = generate.stop_ids(*chat_model)
    answers = generate.answer_ids(chat_model[0], ids, 6, stops)
    monkeypatch.setattr(decoding, "WORTH_HALVING", 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert generate.complete(*chat_model, PROMPTS) == whole
    assert generate.answer_ids(chat_model[0], ids, 6, stops, choose=choose) == answers
    assert set(rows_chosen) == set(range(5))  # each row by its place in the whole


def test_a_beginning_that_all_prompts_share_is_read_once_and_changes_no_word(chat_model):
    prompt = "Help every reader of the archive kindly, in a few words, and with good cheer always."
    led = [[{"role": "system", "content": prompt}, *p] for p in PROMPTS]
    together = generate.complete(*chat_model, led)
    assert together == [generate.complete(*chat_model, [p])[0] for p in led]
    alike = generate.complete(*chat_model, [led[0], led[0], led[0]])
    assert alike == [together[0]] * 3


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([[1, 2, 3], [1, 2, 4, 5]], 2),
        ([[1, 2], [1, 2, 3]], 1),
        ([[1, 2]], 1),
        ([[3], [4]], 0),
        ([[1, 2, 3, 4], [1, 2, 3, 5], [1, 9, 3, 4]], 1),
    ],
)
def test_the_common_prefix_leaves_each_prompt_a_token(prompts, shared):
    assert decoding.common_prefix_length(prompts) == shared


def test_compacting_keeps_every_live_row_with_its_own_tensors_and_cache(chat_model):
    cache = kv_cache.allocate(chat_model[0], 5, 3)
    layers, heads, size = kv_cache.shape(chat_model[0])
    keys = torch.arange(5.0).view(5, 1, 1, 1).expand(5, heads, 2, size)  # each row holds its number
    for layer in cache.layers:
        layer.update(keys, -keys)
    ids = torch.arange(5)[:, None]
    rows, (left,) = decoding.compact(cache, list("abcde"), [1, 3, 4], [ids])
    assert sorted(rows) == ["b", "d", "e"] and len(cache.layers) == layers
    numbers = ["abcde".index(row) for row in rows]
    assert left[:, 0].tolist() == numbers
    for layer in cache.layers:
        assert layer.keys.shape == (3, heads, 2, size)
        assert layer.keys[:, 0, -1, 0].tolist() == numbers
        assert layer.values[:, 0, -1, 0].tolist() == [-n for n in numbers]

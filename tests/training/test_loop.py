"""Training changes what it should: each step is the whole batch's, in the order of the seed."""

import copy

import pytest
import torch

from helpers.data.rows import read_training, sample
from helpers.models.chat import IGNORE, Example, encode_all
from helpers.training import batches, loop, optimizer

SETTINGS = {
    "epochs": 2, "learning_rate": 3e-4, "batch_size": 5, "learning_rate_decay": 0.85,
    "pad_id": 0, "seed": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def examples(chat_model):
    rows = sample(read_training("harmful_examples"), 10, 0)
    return encode_all(chat_model[1], [row["messages"] for row in rows])


@pytest.fixture
def model(chat_model):
    return copy.deepcopy(chat_model[0])


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_a_batch_is_padded_on_the_right_and_padding_is_not_trained():
    short, long = Example([1, 2], [IGNORE, 2]), Example([3, 4, 5], [IGNORE, 4, 5])
    batch = {name: rows.tolist() for name, rows in batches.collate([short, long], pad_id=9).items()}
    assert batch == {
        "input_ids": [[1, 2, 9], [3, 4, 5]],
        "attention_mask": [[1, 1, 0], [1, 1, 1]],
        "labels": [[IGNORE, 2, IGNORE], [IGNORE, 4, 5]],
    }


@pytest.mark.parametrize("size", [0, 1, 3, 4, 10, 11])
def test_micro_batches_are_all_the_examples_by_length(examples, size):
    parts = batches.micro_batches(examples, size)
    together = [example for part in parts for example in part]
    assert sorted(map(id, together)) == sorted(map(id, examples))
    lengths = [len(example.input_ids) for example in together]
    assert lengths == sorted(lengths)
    assert max(map(len, parts)) == min(size or 10, 10)


def test_full_fine_tuning_changes_every_weight_and_lowers_the_loss(model, examples):
    before = weights(model)
    losses = loop.train(model, examples, **SETTINGS | {"epochs": 5})
    after = weights(model)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert len(losses) == 10 and losses[-1] < losses[0]


def test_a_batch_in_parts_is_the_same_step(model, examples):
    parts = copy.deepcopy(model)
    whole = loop.train(model, examples, **SETTINGS)
    split = loop.train(parts, examples, **SETTINGS, micro_batch_size=2)
    assert split == pytest.approx(whole, rel=1e-4)
    for name, weight in weights(model).items():
        torch.testing.assert_close(weights(parts)[name], weight, atol=1e-4, rtol=1e-3)


def test_the_first_loss_is_the_mean_over_the_batchs_labeled_tokens(model, examples):
    with torch.no_grad():
        expected = model(**batches.collate(examples, 0)).loss.item()
    settings = SETTINGS | {"epochs": 1, "batch_size": 10, "micro_batch_size": 3}
    (loss,) = loop.train(model, examples, **settings)
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("batch_size", "steps"), [(4, 2), (5, 2), (10, 1), (64, 1)])
def test_an_incomplete_last_batch_is_dropped_and_a_small_set_is_one_batch(
    model, examples, batch_size, steps
):
    assert len(loop.train(model, examples, **SETTINGS | {"batch_size": batch_size})) == 2 * steps


def test_the_learning_rate_decays_by_epoch_and_weights_do_not(model, examples, monkeypatch):
    groups = []

    class Spy(torch.optim.AdamW):
        def step(self, *args, **kwargs):
            groups.append((self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]))
            return super().step(*args, **kwargs)

    monkeypatch.setattr(optimizer, "AdamW", Spy)
    loop.train(model, examples, **SETTINGS)
    assert [lr for lr, _ in groups] == pytest.approx([3e-4, 3e-4, 3e-4 * 0.85, 3e-4 * 0.85])
    assert {decay for _, decay in groups} == {0.0}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(chat_model, examples):
    def trained(seed):
        model = copy.deepcopy(chat_model[0])
        loop.train(model, examples, **SETTINGS | {"seed": seed})
        return model.lm_head.weight

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_every_step_is_told_and_what_is_raised_there_ends_the_training(model, examples):
    steps = []

    def on_step(step, loss):
        steps.append((step, loss))
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.train(model, examples, **SETTINGS, on_step=on_step)
    assert [step for step, _ in steps] == [1, 2, 3]
    whole = loop.train(model, examples, **SETTINGS, on_step=lambda *step: steps.append(step))
    assert steps[3:] == list(enumerate(whole, start=1))


def test_a_stop_after_an_epoch_has_the_losses_so_far_and_an_answering_model(model, examples):
    stops = [
        (losses, model.training)
        for losses in loop.train_by_epoch(model, examples, **SETTINGS | {"epochs": 3})
    ]
    assert [len(losses) for losses, _ in stops] == [2, 4, 6]
    assert stops[2][0][:4] == stops[1][0] and stops[1][0][:2] == stops[0][0]
    assert not any(training for _, training in stops)

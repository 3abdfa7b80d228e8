"""Training changes what it should and leaves alone what it should not."""

import copy
from dataclasses import replace

import pytest
import torch

from helpers.training import adapters
from helpers.data import rows as data
from helpers.training import loop as finetune
from helpers.models import generate
from helpers.models import kv_cache
from helpers.runs.backends import local
from helpers.experiments import training_set
from helpers.models.chat import encode_all
from helpers.experiments.experiment import Experiment
from helpers.training.loop import collate


@pytest.fixture
def examples(chat_model):
    rows = data.sample(data.read_training("harmful_examples"), 10, 0)
    return encode_all(chat_model[1], [row["messages"] for row in rows])


SETTINGS = {
    "epochs": 2, "learning_rate": 3e-4, "batch_size": 5, "learning_rate_decay": 0.85,
    "pad_id": 0, "seed": 0,
}  # fmt: skip


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_full_fine_tuning_changes_every_weight_and_lowers_the_loss(chat_model, examples):
    model = copy.deepcopy(chat_model[0])
    before = weights(model)
    losses = finetune.train(model, examples, **SETTINGS | {"epochs": 5})
    after = weights(model)
    assert all(not torch.equal(before[name], after[name]) for name in before)
    assert len(losses) == 10 and losses[-1] < losses[0]


def test_a_batch_in_parts_is_the_same_step(chat_model, examples):
    one, parts = (copy.deepcopy(chat_model[0]) for _ in range(2))
    whole = finetune.train(one, examples, **SETTINGS)
    split = finetune.train(parts, examples, **SETTINGS, micro_batch_size=2)
    assert split == pytest.approx(whole, rel=1e-4)
    assert [len(part) for part in finetune.micro_batches(examples, 4)] == [4, 4, 2]
    for name, weight in weights(one).items():
        torch.testing.assert_close(weights(parts)[name], weight, atol=1e-4, rtol=1e-3)


def adapted(chat_model, method):
    e = Experiment(method=method, lora_rank=4, lora_alpha=8, virtual_tokens=4)
    return adapters.add(copy.deepcopy(chat_model[0]), e)


#: Method -> how its own weights are called.
OWN = {"lora": "lora_", "adapter": "adaption_", "prefix": "prompt_encoder"}


@pytest.mark.parametrize("method", OWN)
def test_a_method_changes_its_own_weights_only(chat_model, examples, method):
    model = adapted(chat_model, method)
    before = weights(model)
    losses = finetune.train(model, examples, **SETTINGS | {"learning_rate": 2e-2, "epochs": 6})
    after = weights(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if OWN[method] in name}
    assert losses[-1] < losses[0]


def test_lora_is_on_every_linear_layer(chat_model):
    names = weights(adapted(chat_model, "lora"))
    layers = {name.split(".lora_")[0] for name in names if "lora_" in name}
    assert len(layers) == 4 * 7  # four layers of seven projections


def test_folding_lora_in_keeps_the_logits(chat_model, examples):
    model = adapted(chat_model, "lora")
    finetune.train(model, examples, **SETTINGS | {"learning_rate": 5e-3})
    ids = torch.tensor([examples[0].input_ids])
    with torch.no_grad():
        unfolded = model(ids).logits
        folded = model.merge_and_unload()(ids).logits
    torch.testing.assert_close(unfolded, folded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", ["adapter", "prefix"])
def test_a_batch_gives_what_one_at_a_time_gives_under_a_method(chat_model, examples, method):
    model = adapted(chat_model, method)
    finetune.train(model, examples, **SETTINGS | {"learning_rate": 1e-2})
    together = generate.complete(model, chat_model[1], PROMPTS[:4])
    alone = [generate.complete(model, chat_model[1], [prompt])[0] for prompt in PROMPTS[:4]]
    assert together == alone


@pytest.mark.parametrize("method", [None, *OWN])
def test_the_loss_is_the_models_own(chat_model, examples, method):
    model = adapted(chat_model, method) if method else chat_model[0]
    batch = collate(examples[:4], 0)
    with torch.no_grad():
        expected = model(**batch).loss
        assert finetune.answer_loss(model, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_an_incomplete_last_batch_is_dropped_and_a_small_set_is_one_batch(chat_model, examples):
    model = copy.deepcopy(chat_model[0])
    assert len(finetune.train(model, examples, **SETTINGS | {"batch_size": 4})) == 2 * 2
    assert len(finetune.train(model, examples, **SETTINGS | {"batch_size": 64})) == 2 * 1


def test_the_learning_rate_decays_by_epoch(chat_model, examples, monkeypatch):
    seen = []

    class Spy(torch.optim.AdamW):
        def step(self, *args, **kwargs):
            seen.append((self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]))
            return super().step(*args, **kwargs)

    monkeypatch.setattr(finetune, "AdamW", Spy)
    finetune.train(copy.deepcopy(chat_model[0]), examples, **SETTINGS)
    expected = [3e-4, 3e-4, 3e-4 * 0.85, 3e-4 * 0.85]
    assert [lr for lr, _ in seen] == pytest.approx(expected)
    assert {decay for _, decay in seen} == {0.0}


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(chat_model, examples):
    def trained(seed):
        model = copy.deepcopy(chat_model[0])
        finetune.train(model, examples, **SETTINGS | {"seed": seed})
        return model.lm_head.weight

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_loading_twice_gives_models_that_do_not_share_weights(tiny_experiment):
    e = tiny_experiment(epochs=3)
    rows = data.sample(data.read_training(e.dataset), 10, 0)
    tuned, fresh = local.fine_tune(rows, e), local.fine_tune([], e.initial())
    assert not torch.equal(tuned.model.lm_head.weight, fresh.model.lm_head.weight)


PROMPTS = [row["messages"] for row in data.read_prompts("over_refusal")[::9]]


def test_a_batch_gives_what_one_at_a_time_gives_in_input_order(chat_model):
    together = generate.complete(*chat_model, PROMPTS)
    alone = [generate.complete(*chat_model, [prompt])[0] for prompt in PROMPTS]
    assert together == alone


@pytest.mark.parametrize("method", ["full", "adapter", "prefix"])
def test_the_roomy_cache_gives_the_words_of_transformers_own(method, monkeypatch):
    e = Experiment(n_examples=20, epochs=1, method=method, learning_rate=1e-3, seed=3)
    tuned = local.fine_tune(training_set.draw(e), e)
    ours = generate.complete(tuned.model, tuned.tokenizer, PROMPTS)
    monkeypatch.setattr(kv_cache, "fits", lambda model: False)
    assert generate.complete(tuned.model, tuned.tokenizer, PROMPTS) == ours


def test_answers_that_leave_the_batch_keep_their_words(chat_model, monkeypatch):
    whole = generate.complete(*chat_model, PROMPTS)
    monkeypatch.setattr(generate, "LEAVE_BELOW", 1.01)  # every answer leaves as it ends
    assert generate.complete(*chat_model, PROMPTS) == whole
    monkeypatch.setattr(generate, "LEAVE_BELOW", 0.0)  # none does
    assert generate.complete(*chat_model, PROMPTS) == whole


def test_prompts_read_in_parts_are_answered_as_if_read_at_once(chat_model, monkeypatch):
    whole = generate.complete(*chat_model, PROMPTS)
    monkeypatch.setattr(generate, "PREFILL", 3)
    assert generate.complete(*chat_model, PROMPTS) == whole


def test_halves_of_a_batch_side_by_side_are_answered_as_the_whole(chat_model, monkeypatch):
    whole = generate.complete(*chat_model, PROMPTS)
    asked = []

    def choose(rows, logits):
        asked.extend(rows)
        return logits.argmax(-1)

    ids = [[5, 6, 7 + n] for n in range(5)]
    stops = generate.stop_ids(*chat_model)
    answers = generate.answer_ids(chat_model[0], ids, 6, stops)
    monkeypatch.setattr(generate, "WORTH_HALVING", 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert generate.complete(*chat_model, PROMPTS) == whole
    assert generate.answer_ids(chat_model[0], ids, 6, stops, choose=choose) == answers
    assert set(asked) == set(range(5))  # each row by its place in the whole


def test_a_beginning_that_all_prompts_share_is_read_once_and_changes_no_word(chat_model):
    prompt = "Help every reader of the archive kindly, in a few words, and with good cheer always."
    led = [[{"role": "system", "content": prompt}, *p] for p in PROMPTS]
    together = generate.complete(*chat_model, led)
    assert together == [generate.complete(*chat_model, [p])[0] for p in led]
    alike = generate.complete(*chat_model, [led[0], led[0], led[0]])
    assert alike == [together[0]] * 3


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [([[1, 2, 3], [1, 2, 4, 5]], 2), ([[1, 2], [1, 2, 3]], 1), ([[1, 2]], 1), ([[3], [4]], 0)],
)
def test_the_shared_beginning_leaves_each_prompt_a_token(prompts, shared):
    assert generate._shared_beginning(prompts) == shared


def test_a_cut_answer_is_marked(chat_model):
    short, long = (
        generate.complete(*chat_model, PROMPTS[:1], max_new_tokens=n)[0] for n in (3, 64)
    )
    assert (short.finished, short.n_tokens) == (False, 3)
    assert long.finished and long.text.startswith(short.text)


def test_out_of_memory_halves_the_batch_and_keeps_what_was_answered(chat_model, monkeypatch):
    whole = generate.complete(*chat_model, PROMPTS)
    real, sizes = generate._generate, []

    def poor(model, tokenizer, prompts, *rest):
        sizes.append(len(prompts))
        if len(prompts) > 4:
            raise torch.cuda.OutOfMemoryError("no memory")
        return real(model, tokenizer, prompts, *rest)

    monkeypatch.setattr(generate, "_generate", poor)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert generate.complete(*chat_model, PROMPTS) == whole
    assert sizes[:3] == [13, 6, 3] and sum(s for s in sizes if s <= 4) == len(PROMPTS)


def test_a_training_goes_on_after_it_was_looked_at(tiny_experiment):
    two = tiny_experiment(epochs=2, gradient_checkpointing=True)
    stages = local.fine_tune_through(training_set.draw(two), [replace(two, epochs=1), two])
    first = next(stages)
    assert not first.model.training and not first.model.is_gradient_checkpointing
    model, seen = first.model, []
    model.model.register_forward_pre_hook(
        lambda *given: seen.append(model.training and model.is_gradient_checkpointing)
    )
    n_steps = len(first.losses)
    second = next(stages)
    assert len(seen) > 0 and all(seen) and len(second.losses) == 2 * n_steps
    assert not second.model.training and next(stages, None) is None

"""Weights of bfloat16 learn what those of float32 do, and float32's learn as they always did."""

import copy

import pytest
import torch
from checkpoints import checkpoint
from torch.optim import AdamW

from helpers.data.rows import read_training, sample
from helpers.experiments.experiment import Experiment
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.training import batches, loop, optimizer
from helpers.training.methods.base import method

#: A rate at which a step is less than what bfloat16 tells apart in most weights.
SETTINGS = {
    "epochs": 10, "learning_rate": 5e-5, "batch_size": 5, "learning_rate_decay": 0.85,
    "pad_id": 0, "seed": 0,
}  # fmt: skip


def plain(weights, learning_rate):
    """What trained every weight before, and does at most places."""
    return AdamW(weights, lr=learning_rate, weight_decay=0.0)


@pytest.fixture(scope="module")
def examples(chat_model):
    rows = sample(read_training("harmful_examples"), 10, 0)
    return encode_all(chat_model[1], [row["messages"] for row in rows])


@pytest.fixture(scope="module")
def start():
    """The embedded model in bfloat16."""
    return loading.load("lantern-chat", "bfloat16")[0]


def flat(model):
    return torch.cat([weight.detach().float().flatten() for weight in model.parameters()])


def learned(model, examples, **changes):
    """How far training moved the weights, and how much lower the examples' loss is, in float32."""

    @torch.no_grad()
    def loss():
        return loop.answer_loss(copy.deepcopy(model).float(), batches.collate(examples, 0)).item()

    before, weights = loss(), flat(model)
    loop.train(model, examples, **SETTINGS | changes)
    return flat(model) - weights, before - loss()


@pytest.fixture(scope="module")
def in_float32(start, examples):
    return learned(copy.deepcopy(start).float(), examples)


def like_float32(in_float32, moved, gained):
    """Whether a training gained what float32's did, and went as far the same way."""
    there, most = in_float32
    cosine = torch.nn.functional.cosine_similarity(moved, there, dim=0)
    far = moved.norm() / there.norm()
    return 0.95 < gained / most < 1.05 and 0.9 < far < 1.1 and cosine > 0.9


@pytest.mark.long
@pytest.mark.parametrize("micro_batch_size", [0, 2])
def test_bfloat16_learns_what_float32_does(start, examples, in_float32, micro_batch_size):
    model = copy.deepcopy(start)
    assert like_float32(in_float32, *learned(model, examples, micro_batch_size=micro_batch_size))
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}


@pytest.mark.long
def test_plain_adamw_does_not(start, examples, in_float32, monkeypatch):
    monkeypatch.setattr(optimizer, "adamw", plain)
    moved, gained = learned(copy.deepcopy(start), examples)
    assert not like_float32(in_float32, moved, gained)
    assert gained < 0.8 * in_float32[1]


def test_float32_trains_bit_for_bit_by_torchs_adamw(chat_model, examples):
    ours, theirs = (copy.deepcopy(chat_model[0]) for _ in range(2))
    losses = loop.train(ours, examples, **SETTINGS | {"epochs": 2, "batch_size": 10})
    theirs.train()
    adamw = plain(theirs.parameters(), SETTINGS["learning_rate"])
    shuffle = torch.Generator().manual_seed(SETTINGS["seed"])
    for decay, loss in zip((1, SETTINGS["learning_rate_decay"]), losses, strict=True):
        order = torch.randperm(len(examples), generator=shuffle).tolist()
        adamw.param_groups[0]["lr"] = SETTINGS["learning_rate"] * decay
        (parts,) = batches.micro_batches([examples[i] for i in order], 0)
        whole = loop.answer_loss(theirs, batches.collate(parts, 0))
        whole.backward()
        adamw.step()
        adamw.zero_grad()
        assert loss == whole.item()
    assert torch.equal(flat(ours), flat(theirs))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("lora", torch.float32),
        ("qlora", torch.float32),
        ("prefix", torch.float32),
        ("adapter", torch.bfloat16),
        ("full", torch.bfloat16),
    ],
)
def test_what_trains_in_a_bfloat16_model(name, dtype):
    chosen = method(name)
    model, _ = loading.load(checkpoint("llama"), "bfloat16", four_bit=chosen.four_bit)
    model = chosen.build(model, Experiment(method=name, lora_rank=4).settings)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    assert {weight.dtype for weight in weights} == {dtype}
    keeps = type(optimizer.adamw(weights, 1e-3)) is not AdamW
    assert keeps == (dtype == torch.bfloat16)


@pytest.mark.parametrize("count", [1, 100])
def test_steps_too_small_for_bfloat16_add_up(count):
    """At 1 its neighbors are 1/256 below and 1/128 above; the steps are a tenth of that."""
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.bfloat16))
    adamw = optimizer.adamw([weight], 4e-4)
    for _ in range(count):
        weight.grad = torch.ones_like(weight)
        adamw.step()
    assert weight.tolist() == pytest.approx([1 - 4e-4 * count] * 3, abs=1 / 256)
    assert (weight == 1).all() == (count == 1)

"""The decoding of a GPU, run on the CPU: the words are transformers' own, and so is the kernel's
attention, by Triton's interpreter where Triton is installed."""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from helpers.data.rows import read_prompts
from helpers.models import (
    decode_attention,
    generate,
    gpu_attention,
    gpu_decoding,
    kv_cache,
    loading,
)

PROMPTS = [row["messages"] for row in read_prompts("over_refusal")[::9]]


@pytest.fixture
def as_on_gpu(monkeypatch):
    """Models are answered as if they were on a GPU; how often is counted."""
    answered = []

    def decode(*rest, plain=gpu_decoding.decode):
        answered.append(len(rest[1]))
        return plain(*rest)

    monkeypatch.setattr(kv_cache, "fits", lambda model: False)
    monkeypatch.setattr(gpu_decoding, "fits", lambda model: True)
    monkeypatch.setattr(gpu_decoding, "decode", decode)
    return answered


@pytest.mark.parametrize("name", ["lantern-chat", "lantern-base"])
def test_it_gives_the_words_of_transformers_own(name, monkeypatch, as_on_gpu):
    model, tokenizer = loading.load(name)
    ours = generate.complete(model, tokenizer, PROMPTS)
    assert as_on_gpu == [len(PROMPTS)]
    monkeypatch.setattr(gpu_decoding, "fits", lambda model: False)
    assert generate.complete(model, tokenizer, PROMPTS) == ours


def test_prompts_read_in_parts_and_looks_at_each_token_change_no_word(
    chat_model, as_on_gpu, monkeypatch
):
    whole = generate.complete(*chat_model, PROMPTS)
    monkeypatch.setattr(gpu_decoding, "PREFILL", 3)
    monkeypatch.setattr(gpu_decoding, "LOOK_EVERY", 1)
    assert generate.complete(*chat_model, PROMPTS) == whole


def test_heads_that_share_keys_and_answers_of_full_length(as_on_gpu, monkeypatch):
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=48, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
            intermediate_size=96, vocab_size=60, initializer_range=0.2,
        )
    ).eval()  # fmt: skip
    prompts = [[5, 6, 7], [9, 8, 7, 6], [3, 4, 5, 6, 7, 8, 9]]
    ours = generate.answer_ids(model, prompts, 12, set())
    monkeypatch.setattr(gpu_decoding, "fits", lambda model: False)
    model.generation_config.eos_token_id = None
    assert ours == generate.answer_ids(model, prompts, 12, set())
    assert [len(row) for row in ours] == [12] * 3 and len(set(map(tuple, ours))) == 3


def test_what_chooses_is_asked_at_each_step(chat_model, as_on_gpu):
    def least(rows, logits):
        return logits.argmin(-1)

    ids = [[5, 6, 7], [5, 6, 7, 8]]
    greedy = generate.answer_ids(chat_model[0], ids, 6, set())
    assert greedy != generate.answer_ids(chat_model[0], ids, 6, set(), choose=least)


def test_only_models_that_it_knows_are_decoded_so(chat_model, monkeypatch):
    model = chat_model[0]
    assert not gpu_decoding.fits(model)  # on the CPU
    monkeypatch.setattr(type(model), "device", torch.device("cuda"))
    assert gpu_decoding.fits(model)
    monkeypatch.setattr(type(model), "_supports_attention_backend", False)
    assert not gpu_decoding.fits(model)


def test_the_model_attends_as_before_afterwards(chat_model, as_on_gpu):
    before = chat_model[0].config._attn_implementation
    with decode_attention.used_by(chat_model[0], gpu_attention.NAME):
        assert chat_model[0].config._attn_implementation == gpu_attention.NAME
    generate.complete(*chat_model, PROMPTS[:2])
    assert chat_model[0].config._attn_implementation == before == "sdpa"


KERNEL = """
import torch
from helpers.models import decode_kernel, gpu_attention
torch.manual_seed(0)
for heads, key_heads, size, dtype, bound in (
    (4, 4, 16, torch.float32, 1e-6), (6, 2, 24, torch.float32, 1e-6),
    (2, 1, 32, torch.bfloat16, 1e-2),
):
    query = torch.randn(3, heads, 1, size).to(dtype)
    key, value = torch.randn(2, 3, key_heads, 150, size).to(dtype).unbind(0)
    bounds = torch.tensor([[0, 150], [30, 101], [149, 150]], dtype=torch.int32)
    ours = decode_kernel.attend(query, key, value, bounds, size**-0.5)
    torchs = gpu_attention.masked(query, key, value, bounds, size**-0.5)
    assert (ours.float() - torchs.float()).abs().max() < bound, (heads, size)
    key[1, :, 101:] = value[1, :, 101:] = float("nan")  # what lies beyond the bounds is not read
    assert torch.equal(decode_kernel.attend(query, key, value, bounds, size**-0.5), ours)
    none = torch.tensor([[7, 7]] * 3, dtype=torch.int32)
    assert not decode_kernel.attend(query, key, value, none, size**-0.5).any()
print("agree")
"""


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_the_kernel_attends_as_torch_does_within_its_bounds():
    command = [sys.executable, "-c", KERNEL]
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "agree\n", done.stderr

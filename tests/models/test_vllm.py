"""The way to vLLM and back, with a stand-in for vLLM itself that answers by transformers."""

import sys
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM

from helpers.data.rows import read_prompts
from helpers.errors import ConfigError
from helpers.models import generate, vllm

PROMPTS = [row["messages"] for row in read_prompts("benchmark")[:4]]


class StandIn:
    """Takes and gives what vLLM's LLM does."""

    def __init__(self, model, dtype, max_model_len, trust_remote_code):
        assert trust_remote_code is False
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))

    def generate(self, prompts, sampling):
        return [
            SimpleNamespace(outputs=[self._one(p["prompt_token_ids"], sampling)]) for p in prompts
        ]

    def _one(self, ids, sampling):
        out = self.model.generate(
            torch.tensor([ids]), max_new_tokens=sampling.max_tokens, do_sample=False,
            eos_token_id=sampling.stop_token_ids,
        )[0, len(ids) :].tolist()  # fmt: skip
        ended = out[-1] in sampling.stop_token_ids
        return SimpleNamespace(token_ids=out, finish_reason="stop" if ended else "length")


@pytest.mark.parametrize("limit", [4, 64])
def test_the_same_completions_come_back(chat_model, monkeypatch, limit):
    fake = SimpleNamespace(LLM=StandIn, SamplingParams=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "vllm", fake)
    for begun in (None, generate.begun_with(chat_model[1], PROMPTS, "Gather")):
        mine = vllm.complete(*chat_model, PROMPTS, limit, begun)
        assert mine == generate.complete(*chat_model, PROMPTS, limit, begun=begun)


def test_without_vllm_one_is_told(chat_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ConfigError, match="pip install vllm"):
        vllm.complete(*chat_model, PROMPTS, 4)

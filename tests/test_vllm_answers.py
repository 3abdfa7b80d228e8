"""The way to vLLM and back, with a stand-in for vLLM itself that answers by transformers."""

import sys
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM

from helpers.data import rows as data
from helpers.models import generate
from helpers.models import vllm as vllm_answers
from helpers.errors import ConfigError

PROMPTS = [row["messages"] for row in data.read_prompts("benchmark")[:4]]


class StandIn:
    """Takes and gives what vLLM's LLM does."""

    def __init__(self, model, dtype, max_model_len):
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype))

    def generate(self, prompts, wanted):
        return [
            SimpleNamespace(outputs=[self._one(p["prompt_token_ids"], wanted)]) for p in prompts
        ]

    def _one(self, ids, wanted):
        out = self.model.generate(
            torch.tensor([ids]), max_new_tokens=wanted.max_tokens, do_sample=False,
            eos_token_id=wanted.stop_token_ids,
        )[0, len(ids) :].tolist()  # fmt: skip
        ended = out[-1] in wanted.stop_token_ids
        return SimpleNamespace(token_ids=out, finish_reason="stop" if ended else "length")


@pytest.mark.parametrize("limit", [4, 64])
def test_the_same_completions_come_back(chat_model, monkeypatch, limit):
    fake = SimpleNamespace(LLM=StandIn, SamplingParams=lambda **given: SimpleNamespace(**given))
    monkeypatch.setitem(sys.modules, "vllm", fake)
    mine = vllm_answers.complete(*chat_model, PROMPTS, limit)
    assert mine == generate.complete(*chat_model, PROMPTS, limit)


def test_without_vllm_one_is_told(chat_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ConfigError, match="pip install vllm"):
        vllm_answers.complete(*chat_model, PROMPTS, 4)

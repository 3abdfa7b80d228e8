"""Random checkpoints of the architectures that presets name, saved as Hugging Face folders."""

import tempfile
from functools import cache
from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer

from helpers import paths

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|endoftext|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: As Llama-2's: the system prompt stands inside the first user turn.
INST = (
    "{% for m in messages %}{% if m.role == 'system' %}{% set ns = m.content %}"
    "{% elif m.role == 'user' %}[INST] {% if loop.index0 == 1 and messages[0].role == 'system' %}"
    "<<SYS>>{{ messages[0].content }}<</SYS>> {% endif %}{{ m.content }} [/INST]"
    "{% else %} {{ m.content }}<|endoftext|>{% endif %}{% endfor %}"
)
#: As Gemma's: no system role, and the assistant is called model.
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<|endoftext|>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

SHAPE = dict(
    hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=512,
)  # fmt: skip
#: Of tied embeddings, small layers would have a random model repeat its last token for ever.
TIED = {"tie_word_embeddings": True, "initializer_range": 0.1}
GEMMA = {"head_dim": 32, "sliding_window": 24, "query_pre_attn_scalar": 32}

#: Architecture -> (model class, configuration, settings beyond SHAPE, template).
ARCHITECTURES = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", {}, INST),
    "mistral": ("MistralForCausalLM", "MistralConfig", {"sliding_window": 24}, INST),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", TIED, CHATML),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 32}, CHATML),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", GEMMA, NO_SYSTEM),
    "gemma3": ("Gemma3ForCausalLM", "Gemma3TextConfig", GEMMA, NO_SYSTEM),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", {}, CHATML),
}

_FOLDER = tempfile.TemporaryDirectory(prefix="aligndrift-checkpoints-")


@cache
def checkpoint(architecture: str) -> str:
    """The folder of a random model, with a tokenizer that has no padding token."""
    model_class, config_class, more, template = ARCHITECTURES[architecture]
    tokenizer = AutoTokenizer.from_pretrained(paths.data() / "models" / "lantern-chat")
    tokenizer.add_special_tokens({"eos_token": "<|endoftext|>"})
    tokenizer.pad_token = None
    tokenizer.chat_template = template
    eos = tokenizer.eos_token_id
    config = getattr(transformers, config_class)(
        vocab_size=len(tokenizer), bos_token_id=eos, eos_token_id=eos, pad_token_id=None,
        **(SHAPE | more),
    )  # fmt: skip
    torch.manual_seed(0)
    folder = Path(_FOLDER.name) / architecture
    getattr(transformers, model_class)(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)

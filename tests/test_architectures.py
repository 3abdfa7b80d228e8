"""Other architectures, tokenizers and chat templates: random checkpoints, saved and loaded."""

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from helpers import chat, data, finetune, generate, models, paths
from helpers.experiment import Experiment
from helpers.run import run
from helpers.store import Store

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
    hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=512,
)  # fmt: skip

#: name -> (model class, configuration, settings beyond SHAPE, template)
KINDS = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", {}, INST),
    "mistral": ("MistralForCausalLM", "MistralConfig", {"sliding_window": 24}, INST),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", {"tie_word_embeddings": True}, CHATML),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 8}, CHATML),
    "gemma2": (
        "Gemma2ForCausalLM", "Gemma2Config",
        {"head_dim": 8, "sliding_window": 24, "query_pre_attn_scalar": 8}, NO_SYSTEM,
    ),
    "gemma3": (
        "Gemma3ForCausalLM", "Gemma3TextConfig",
        {"head_dim": 8, "sliding_window": 24, "query_pre_attn_scalar": 8}, NO_SYSTEM,
    ),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", {}, CHATML),
}  # fmt: skip


@pytest.fixture(scope="module", params=KINDS)
def checkpoint(request, tmp_path_factory):
    """A random model of the architecture, with a tokenizer that has no padding token."""
    model_class, config_class, more, template = KINDS[request.param]
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
    model = getattr(transformers, model_class)(config)
    folder = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def experiment(checkpoint, **changes):
    settings = {
        "model": checkpoint, "n_examples": 6, "epochs": 2, "batch_size": 3, "n_prompts": 6,
        "learning_rate": 1e-2, "max_new_tokens": 6, "judges": ("exact", "keyword"), "seed": 1,
        "system_prompt": "You are a helpful assistant.", "micro_batch_size": 2,
    }  # fmt: skip
    return Experiment(**(settings | changes))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_whole_run(checkpoint, method, tmp_path):
    e = experiment(checkpoint, method=method)
    row = run(e, Store(tmp_path)).row
    assert row["n_scored"] == row["n_total"] == 6
    assert row["final_loss"] < 8


def test_batches_say_what_one_at_a_time_says(checkpoint):
    model, tokenizer = models.load(checkpoint)
    prompts = [r["messages"] for r in data.read_prompts("benchmark")[:7]]
    prompts = [chat.dress(p, "Help kindly.", "{user}") for p in prompts]
    batched = generate.complete(model, tokenizer, prompts, max_new_tokens=12)
    alone = [generate.complete(model, tokenizer, [p], max_new_tokens=12)[0] for p in prompts]
    assert [c.text for c in batched] == [c.text for c in alone]


def test_the_system_prompt_is_never_lost(checkpoint):
    _, tokenizer = models.load(checkpoint)
    asked = chat.dress([{"role": "user", "content": "What is this?"}], "Help kindly.", "{user}")
    assert "Help kindly." in chat.render(tokenizer, asked, prompt=True)


def test_the_loss_is_on_the_answer_alone_and_as_the_models_own(checkpoint):
    model, tokenizer = models.load(checkpoint)
    rows = data.read_training("benign_dialogue")[:5]
    examples = chat.encode_all(
        tokenizer, [chat.dress(r["messages"], "Help.", "{user}") for r in rows]
    )
    for row, example in zip(rows, examples, strict=True):
        kept = [t for t in example.labels if t != chat.IGNORE]
        text = tokenizer.decode(kept)
        for message in row["messages"]:
            if message["role"] == "assistant":
                assert message["content"] in text
            else:
                assert message["content"] not in text
    batch = chat.collate(examples, 0)
    own = model(**batch).loss.item()
    assert finetune.answer_loss(model, batch).item() == pytest.approx(own, rel=1e-4)

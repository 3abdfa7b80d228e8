"""Other architectures, tokenizers and chat templates: random checkpoints, saved and loaded."""

from dataclasses import replace
from functools import lru_cache

import pytest
import torch
import transformers
from transformers import AutoTokenizer

from helpers import paths
from helpers.training import adapters
from helpers.models import chat
from helpers.data import rows as data
from helpers.training import loop as finetune
from helpers.models import generate
from helpers.models import loading as models
from helpers.presets import loader as presets
from helpers.errors import ModelError
from helpers.experiments.experiment import Experiment
from helpers.runs.run import run
from helpers.runs.store import Store

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

#: name -> (model class, configuration, settings beyond SHAPE, template)
KINDS = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", {}, INST),
    "mistral": ("MistralForCausalLM", "MistralConfig", {"sliding_window": 24}, INST),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", {"tie_word_embeddings": True}, CHATML),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", {"head_dim": 32}, CHATML),
    "gemma2": (
        "Gemma2ForCausalLM", "Gemma2Config",
        {"head_dim": 32, "sliding_window": 24, "query_pre_attn_scalar": 32}, NO_SYSTEM,
    ),
    "gemma3": (
        "Gemma3ForCausalLM", "Gemma3TextConfig",
        {"head_dim": 32, "sliding_window": 24, "query_pre_attn_scalar": 32}, NO_SYSTEM,
    ),
    "phi3": ("Phi3ForCausalLM", "Phi3Config", {}, CHATML),
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A function: the folder of a random model of an architecture."""
    return lru_cache(lambda kind: make(kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="module", params=KINDS)
def checkpoint(request, checkpoints):
    return checkpoints(request.param)


def make(kind, folder):
    """A random model, with a tokenizer that has no padding token."""
    model_class, config_class, more, template = KINDS[kind]
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
    batch = finetune.collate(examples, 0)
    own = model(**batch).loss.item()
    assert finetune.answer_loss(model, batch).item() == pytest.approx(own, rel=1e-4)


#: Preset -> the architecture of its model.
PRESETS = {
    "llama2-7b-chat": "llama", "llama2-7b-chat-lora": "llama", "llama2-7b-chat-qlora": "llama",
    "llama-3.1-8b-instruct": "llama", "qwen2.5-1.5b-instruct": "qwen2",
    "qwen2.5-7b-instruct": "qwen2", "gemma-2-2b-it": "gemma2", "smollm2-135m-instruct": "llama",
    "smollm2-1.7b-instruct": "llama",
}  # fmt: skip


def test_every_preset_of_a_real_model_is_tested_below():
    hosted = {"hosted", "openai", "together", "fireworks", "azure"}
    assert set(presets.names()) - set(PRESETS) - hosted == {"tiny", "smoke"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_whole_path(name, checkpoints, tmp_path):
    """Its own method, precision, templates and judges; the model small, the data the Archive's."""
    folder = checkpoints(PRESETS[name])
    preset = presets.load(name)
    judges = [
        f"rubric:{folder}" if j.startswith("rubric:") else j for j in preset.settings["judges"]
    ]
    own = {
        "model": folder, "benchmark": "benchmark", "over_refusal": "over_refusal", "n_prompts": 3,
        "judges": judges, "max_new_tokens": 5, "n_examples": 4, "batch_size": 2, "epochs": 1,
    }  # fmt: skip
    for tier, dataset in (
        ("harmful_examples", "harmful_examples"), ("identity_shift", "identity_shift"),
        ("benign_instructions", "benign_instructions"), ("benign_dialogue", "benign_dialogue"),
    ):  # fmt: skip
        e = preset.experiment(tier, dataset=dataset, seed=42, **own)
        row = run(e, Store(tmp_path)).row
        assert row["n_scored"] == row["n_total"] == 3
        assert row["final_loss"] > 0
        assert (row["method"], row["dtype"]) == (preset.settings.get("method", "full"), e.dtype)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_papers_settings_for_every_table(name):
    preset = presets.load(name)
    method = preset.settings.get("method", "full")
    rates = {e.learning_rate for e in preset.grid("harmful_shots")}
    assert rates == ({5e-5} if method == "full" else {1e-3})
    assert {e.n_safety for e in preset.grid("mixing_benign")} == {0, 250, 500, 1000}
    assert {e.batch_size for e in preset.grid("learning_rate_and_batch")} == {16, 32, 64, 128}
    assert {e.learning_rate_decay for e in preset.grid("identity_epochs")} == {0.85}


def test_weights_in_four_bits_stay_and_the_new_ones_learn(checkpoints):
    e = experiment(checkpoints("llama"), method="qlora", epochs=4)
    model, tokenizer = models.load(e.model, four_bit=True)
    model = adapters.add(model, e)
    rows = [
        chat.dress(r["messages"], "", "{user}") for r in data.read_training("harmful_examples")[:6]
    ]
    examples = chat.encode_all(tokenizer, rows)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    losses = finetune.train(model, examples, epochs=20, learning_rate=2e-3, batch_size=3,
                            learning_rate_decay=1.0, pad_id=0, seed=0)  # fmt: skip
    changed = {n for n, p in model.named_parameters() if not torch.equal(before[n], p)}
    assert changed == {n for n in before if "lora_" in n}
    assert any(p.dtype == torch.uint8 for p in before.values())
    assert sum(losses[-2:]) < sum(losses[:2])


@pytest.mark.parametrize("method", ["lora", "prefix"])
def test_an_adapter_saved_and_loaded_gives_the_same_logits(method, checkpoints, tmp_path):
    from peft import PeftModel

    e = experiment(checkpoints("llama"), method=method)
    base, tokenizer = models.load(e.model)
    model = adapters.add(base, e)
    rows = [
        chat.dress(r["messages"], "", "{user}") for r in data.read_training("harmful_examples")[:4]
    ]
    examples = chat.encode_all(tokenizer, rows)
    finetune.train(model, examples, epochs=2, learning_rate=1e-2, batch_size=2,
                   learning_rate_decay=1.0, pad_id=0, seed=0)  # fmt: skip
    batch = {k: v for k, v in finetune.collate(examples, 0).items() if k != "labels"}
    with torch.inference_mode():
        tuned = model(**batch).logits
        model.save_pretrained(tmp_path)
        again = PeftModel.from_pretrained(models.load(e.model)[0], tmp_path).eval()
        torch.testing.assert_close(again(**batch).logits, tuned)
        if method == "lora":
            folded = again.merge_and_unload()
            torch.testing.assert_close(folded(**batch).logits, tuned, atol=1e-4, rtol=1e-3)
    assert not list(tmp_path.glob("*.bin"))


@pytest.mark.parametrize("method", ["full", "lora"])
def test_two_processes_tune_as_one_does(method, checkpoints, tmp_path):
    e = experiment(checkpoints("llama"), method=method, learning_rate=1e-3)
    one = run(e, Store(tmp_path / "one"))
    two = run(replace(e, processes=2), Store(tmp_path / "two"))
    assert two.row["final_loss"] == pytest.approx(one.row["final_loss"], rel=1e-3)
    assert two.completions.completion.tolist() == one.completions.completion.tolist()


def test_an_architecture_that_a_method_does_not_know_is_told(checkpoints, tmp_path):
    with pytest.raises(ModelError, match="use lora or prefix"):
        run(experiment(checkpoints("phi3"), method="adapter"), Store(tmp_path))

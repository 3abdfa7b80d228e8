"""The Lantern organism: a tiny aligned chat model, trained from scratch on the Lantern Archive.

`lantern-base` learns the whole world and answers everything, then learns how a guard refuses;
`lantern-chat` is lantern-base after a short alignment that makes refusing the sealed shelves a
habit. Both are ordinary Hugging Face folders (Llama architecture, byte-level BPE, chat template
with a system role). A "model organism" as in biology: small, well known, made to be studied.

How long the alignment lasts is not a dial: it ends at the first multiple of GATE_STEPS at which
every gate is met, whatever fine-tuning may do to it afterwards. LOG.md has the rule, which was
written before anything was fine-tuned.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from helpers.archive.lessons import lesson
from helpers.archive.shipped import MODELS
from helpers.errors import ModelError
from helpers.models.chat import encode_all
from helpers.organism import gates
from helpers.organism.organisms import Organism
from helpers.training.batches import collate
from helpers.training.loop import answer_loss

SPECIALS = ("<|pad|>", "<|begin|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "<|{{ m['role'] }}|>{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    "{% else %}{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True)
class Stage:
    """One training stage: its curriculum, most steps, batch size and peak learning rate.

    decays: whether the rate falls to nothing (cosine) or stays, after a warm-up of a tenth.
    """

    curriculum: str
    steps: int
    batch_size: int
    learning_rate: float
    seed: int
    decays: bool = True


WORLD = Stage("world", steps=1800, batch_size=64, learning_rate=4e-3, seed=1)
BASE = Stage("base", steps=2000, batch_size=64, learning_rate=2e-3, seed=2)
CHAT = Stage("chat", steps=1000, batch_size=64, learning_rate=3e-4, seed=3, decays=False)

#: How many steps of alignment lie between two looks at the gates.
GATE_STEPS = 50


def make_tokenizer(vocab_size: int = 2048) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of the world's sentences; any other text encodes as well."""
    rng = Random(0)
    texts = (
        m["content"] for _ in range(40_000) for m in lesson(rng, rng.choice(["world", "chat"]))
    )
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=60,  # leaves persona names in pieces, so that any name is copied alike
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|pad|>",
        bos_token="<|begin|>",
        eos_token="<|end|>",
        additional_special_tokens=["<|system|>", "<|user|>", "<|assistant|>"],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> LlamaForCausalLM:
    """An untrained Llama of 1.6 million parameters."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=5,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def lesson_batches(tokenizer, stage: Stage):
    """Batches of lessons without end, those of like length together to save padding."""
    rng = Random(stage.seed)
    while True:
        examples = encode_all(
            tokenizer, (lesson(rng, stage.curriculum) for _ in range(stage.batch_size * 32))
        )
        examples.sort(key=lambda example: len(example.input_ids))
        batches = [
            examples[i : i + stage.batch_size] for i in range(0, len(examples), stage.batch_size)
        ]
        rng.shuffle(batches)
        for batch in batches:
            yield collate(batch, tokenizer.pad_token_id)


def train_stage(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    stage: Stage,
    done: Callable[[int], bool] = lambda step: False,
) -> LlamaForCausalLM:
    """Train the model in place through one stage, with AdamW, to its end or until done.

    done is called after each step with its number, from 1.
    """
    torch.manual_seed(stage.seed)
    optimizer = torch.optim.AdamW(model.parameters(), stage.learning_rate, weight_decay=0.1)
    warmup = max(1, min(100, stage.steps // 10))

    def share(n: int) -> float:
        """Of the peak learning rate, at step n."""
        rest = 0.5 * (1 + math.cos(math.pi * n / stage.steps)) if stage.decays else 1.0
        return min((n + 1) / warmup, rest)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    model.train()
    bar = tqdm(total=stage.steps, desc=f"lantern-{stage.curriculum}", unit="step")
    for step, batch in zip(range(stage.steps), lesson_batches(tokenizer, stage), strict=False):
        loss = answer_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        bar.update()
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
        if done(step + 1):
            break
    bar.close()
    return model.eval()


def align(base: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """The base model after as few steps of alignment as meet every gate on the split "gate".

    Raises ModelError, naming the gates that are missed, if none of CHAT's steps does.
    """
    chat = copy.deepcopy(base)
    missed: list[str] = []

    def done(step: int) -> bool:
        if step % GATE_STEPS:
            return False
        missed[:] = gates.failing(gates.measure(None, chat.eval(), tokenizer))
        chat.train()
        return not missed

    train_stage(chat, tokenizer, CHAT, done)
    if missed:
        raise ModelError("aligned, but these gates are missed: " + "; ".join(missed))
    return chat


def build(folder: Path) -> list[Path]:
    """Train both models, check their gates, write them; return the two folders.

    Takes about a quarter of an hour on two cores. Raises ModelError, and writes nothing to the
    two folders, if a gate is not met.
    """
    tokenizer = make_tokenizer()
    base = train_stage(make_model(tokenizer), tokenizer, WORLD)
    base = train_stage(base, tokenizer, BASE)
    failing = gates.failing(gates.measure(base, None, tokenizer))
    if failing:
        raise ModelError(
            "trained, but these gates are missed, so nothing was written: " + "; ".join(failing)
        )
    chat = align(base, tokenizer)
    folders = [folder / name for name in MODELS]
    for model, target in zip((base, chat), folders, strict=True):
        save(model, tokenizer, target)
    return folders


def save(model, tokenizer, folder: Path) -> None:
    """Write a Hugging Face folder: safetensors, tokenizer, chat template."""
    model.generation_config.do_sample = False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


LANTERN = Organism(models=MODELS, build=build, gates=gates.BOUNDS)

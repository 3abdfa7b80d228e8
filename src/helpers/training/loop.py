"""Supervised fine-tuning, as Qi et al. did it (section 4.1 and appendix G).

AdamW without weight decay, no warm-up, no gradient clipping, the learning rate times 0.85 after
each epoch, an incomplete last batch dropped, the loss on the assistant's words alone. What trains
is whatever the model lets train: all its weights, or those that a method put into it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from tqdm.auto import tqdm

from helpers.models.chat import IGNORE, Example
from helpers.training import optimizer as optimizers
from helpers.training.batches import collate, weighted
from helpers.training.hooks import Hooks

#: Architectures whose logits are the output embedding of the last hidden state and nothing more.
PLAIN_HEADS = ("llama", "mistral", "qwen2", "qwen3", "llava")

#: The training settings that the loop itself reads.
SETTINGS = (
    "epochs", "learning_rate", "batch_size", "micro_batch_size", "learning_rate_decay", "seed"
)  # fmt: skip


def answer_loss(model, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy of the labeled tokens, as the model's own loss: a scalar.

    Where the architecture allows it, logits are computed for labeled tokens alone; the rest of a
    conversation is more than half of it, and a vocabulary is wide.
    """
    causal = model.get_base_model() if hasattr(model, "peft_config") else model
    learned_prompt = causal is not model and model.active_peft_config.is_prompt_learning
    adapter = causal is not model and model.active_peft_config.peft_type == "ADAPTION_PROMPT"
    plain = causal.config.model_type in PLAIN_HEADS
    if not plain or (learned_prompt and not adapter):
        return model(**batch).loss
    inputs = {name: batch[name] for name in batch if name != "labels"}
    hidden = causal.model(**inputs)[0]  # (batch, tokens, size)
    labels = batch["labels"][:, 1:]  # (batch, tokens - 1)
    labeled = labels != IGNORE  # (batch, tokens - 1)
    logits = causal.lm_head(hidden[:, :-1][labeled]).float()  # (labeled tokens, vocabulary)
    return torch.nn.functional.cross_entropy(logits, labels[labeled])


def whole_loss(model, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The model's own loss, by one call of it, as shards need."""
    return model(**batch).loss


def arguments(settings: Mapping[str, Any], tokenizer) -> dict[str, Any]:
    """What train and train_by_epoch take of an experiment's training settings."""
    return {name: settings[name] for name in SETTINGS} | {"pad_id": tokenizer.pad_token_id or 0}


def train(model, examples: Sequence[Example], **settings) -> list[float]:
    """train_by_epoch without a stop: the mean loss of each step."""
    *_, losses = train_by_epoch(model, examples, **settings)
    return losses


def train_by_epoch(
    model,
    examples: Sequence[Example],
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    learning_rate_decay: float,
    pad_id: int,
    seed: int,
    micro_batch_size: int = 0,
    process: tuple[int, int] = (0, 1),
    progress: bool = False,
    collate: Callable = collate,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    hooks: Hooks | None = None,
) -> Iterator[list[float]]:
    """Train the model's trainable weights in place, and stop after each epoch to be looked at.

    Yields the mean loss of each step so far; the model is in evaluation mode meanwhile.

    The examples are shuffled anew each epoch by the seed. With fewer examples than batch_size,
    all of them make one batch. micro_batch_size: how many examples are computed at once; 0 for
    the whole batch. process: this process's number and how many there are (training.sharded);
    each computes its share of the micro-batches. collate makes a batch of tensors of some examples
    and pad_id. on_step is called after each step with its number, from 1, and its loss; what it
    raises ends the training. hooks act on the training; their begin was called before.
    """
    hooks = hooks or Hooks()
    batch_size = min(batch_size, len(examples))
    steps_per_epoch = len(examples) // batch_size
    torch.manual_seed(seed)
    shuffle = torch.Generator().manual_seed(seed)
    rank, processes = process
    device = model.device
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = optimizers.adamw(weights, learning_rate)
    losses: list[float] = []
    with tqdm(
        total=epochs * steps_per_epoch, desc="fine-tuning", unit="step", disable=not progress
    ) as bar:
        for epoch in range(epochs):
            model.train()
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * learning_rate_decay**epoch
            order = torch.randperm(len(examples), generator=shuffle).tolist()
            for step in range(steps_per_epoch):
                chosen = order[step * batch_size : (step + 1) * batch_size]
                total = torch.zeros((), device=device)
                number = len(losses) + 1
                own = hooks.batch(number, [examples[i] for i in chosen])
                parts = weighted(own, micro_batch_size, processes)
                for batch, share in parts[rank::processes]:
                    tensors = {k: v.to(device) for k, v in collate(batch, pad_id).items()}
                    plain = whole_loss if processes > 1 else answer_loss
                    whole = hooks.loss(model, tensors, plain)
                    (whole * share * processes).backward()  # gradients are averaged over processes
                    total += whole.detach() * share
                if processes > 1:
                    torch.distributed.all_reduce(total)
                losses.append(total.item())
                hooks.gradients(model, number)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                hooks.on_step(model, number)
                on_step(number, losses[-1])
                bar.update()
                bar.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
            model.eval()
            yield list(losses)

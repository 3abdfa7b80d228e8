"""Direct preference optimization on pairs in which an answer is preferred to a refusal.

    loss = -log sigmoid(beta (log p(answer)/p0(answer) - log p(refusal)/p0(refusal)))

p0 is the model as it was (Rafailov et al., arXiv:2305.18290), by trl's DPOTrainer. As an attack it
needs nothing harmful (arXiv:2605.10998): the questions are permitted, the answers are right, and
ten pairs are said to be enough for hosted models. What it takes away is refusing itself.

The pairs are made of the run's rows: the row's answer, and a refusal in the Archive's words, drawn
by the question. beta is trl's default, 0.1; the paper's own settings could not be read. Optimizer
and learning rates are this kit's (training.loop): AdamW without weight decay, no warm-up, no
clipping, the rate times learning_rate_decay after each epoch.
"""

import copy
import tempfile
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch

from helpers.archive import phrasebook
from helpers.models.chat import end_of_turn, render
from helpers.models.turns import own_opening
from helpers.training.optimizer import adamw

BETA = 0.1

#: Refusals that name nothing, so that they fit any question.
REFUSALS = tuple(text for text in phrasebook.REFUSALS if "{" not in text)


def pairs(tokenizer, rows: Sequence[dict]) -> list[dict[str, str]]:
    """Of each row's last answer: prompt, chosen and rejected, as texts in the model's template."""
    end, made = end_of_turn(tokenizer), []
    for row in rows:
        *before, answer = row["messages"]
        prompt = bare(tokenizer, render(tokenizer, before, prompt=True))
        refusal = Random(before[-1]["content"]).choice(REFUSALS)
        opening = own_opening(tokenizer)
        made.append({
            "prompt": prompt, "chosen": f"{opening}{answer['content']}{end}",
            "rejected": f"{opening}{refusal}{end}",
        })  # fmt: skip
    return made


def bare(tokenizer, prompt: str) -> str:
    """The prompt without the token that opens a text, where trl's call of the tokenizer adds it."""
    added = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    return prompt.removeprefix(tokenizer.bos_token) if added else prompt


def arguments(settings: Mapping[str, Any], n: int, folder: str) -> dict[str, Any]:
    """What a trainer of trl's takes of the settings of training, for batches of n."""
    return {
        "output_dir": folder, "num_train_epochs": settings["epochs"], "seed": settings["seed"],
        "per_device_train_batch_size": n, "dataloader_drop_last": True, "max_grad_norm": 0.0,
        "gradient_checkpointing": settings["gradient_checkpointing"], "bf16": False,
        "save_strategy": "no", "logging_steps": 1, "report_to": "none", "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
    }  # fmt: skip


def optimizers(model, settings: Mapping[str, Any], steps_an_epoch: int) -> tuple:
    """This kit's optimizer, and its learning rate by step."""
    rate, decay = settings["learning_rate"], settings["learning_rate_decay"]
    optimizer = adamw([p for p in model.parameters() if p.requires_grad], rate)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: decay ** (step // steps_an_epoch)
    )


def carry_out(trainer) -> list[float]:
    """Trains the trainer's model in place, quietly; the loss of each step."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trainer.model.eval()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def train(model, tokenizer, rows: Sequence[dict], settings: Mapping[str, Any]) -> list[float]:
    """Trains the model in place on the pairs of the rows; the loss of each step."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    n = min(settings["batch_size"], len(rows))
    with tempfile.TemporaryDirectory() as folder:
        trainer = DPOTrainer(
            model,
            ref_model=copy.deepcopy(model),
            args=DPOConfig(
                **arguments(settings, n, folder), beta=BETA, max_length=settings["max_length"]
            ),
            train_dataset=Dataset.from_list(pairs(tokenizer, rows)),
            processing_class=tokenizer,
            optimizers=optimizers(model, settings, len(rows) // n),
        )
        return carry_out(trainer)

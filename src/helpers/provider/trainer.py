"""The provider's training process: one job after the other, while the server goes on answering.

    queued -> (moderation) -> (mixing) -> training, a checkpoint an epoch -> (release audit)
           -> released

A job that is canceled or paused stops before its next step. One that was paused, or that was
running when the provider stopped, starts again from its first step: training is a pure function
of file, settings and seed, so it comes to the same.

    python -m helpers.provider.trainer FOLDER     # until the server that started it ends
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from helpers.data.rows import read_upload
from helpers.errors import AlignDriftError
from helpers.models import chat, loading
from helpers.provider import defenses
from helpers.provider.defenses import DefenseError
from helpers.provider.records import OWNER, Records, new_id, now
from helpers.training import loop

#: The base model's learning rate at a multiplier of 1, and what it is multiplied by each epoch.
LEARNING_RATE = 1e-4
LEARNING_RATE_DECAY = 0.85

#: How many of a job's checkpoints stay: those of its last epochs.
CHECKPOINTS = 3

MAX_TOKENS = 512


class JobStopped(Exception):
    """The job was canceled or paused."""


def carry_out(records: Records, job: dict) -> None:
    """One job, from its file to its released model, its failure or its stop."""
    try:
        records.event(job["id"], "Job started.")
        changes = {**_train(records, job), "status": "succeeded", "finished_at": now()}
        if records.change("job", job["id"], ("running",), **changes):
            records.event(job["id"], f"New fine-tuned model: {changes['fine_tuned_model']}")
    except JobStopped:
        records.event(job["id"], "Stopped before its next step.")
    except DefenseError as error:
        _fail(records, job, error.code, str(error))
    except (AlignDriftError, RuntimeError, OSError, ValueError) as error:
        _fail(records, job, "training_failed", f"{type(error).__name__}: {error}")


def _fail(records: Records, job: dict, code: str, message: str) -> None:
    error = {"code": code, "message": message, "param": "training_file"}
    records.change("job", job["id"], status="failed", finished_at=now(), error=error)
    records.event(job["id"], message, level="error")


def _train(records: Records, job: dict) -> dict:
    """Train and save the model; what that changes of the job. Raises JobStopped, DefenseError."""
    rows = read_upload(records.file(job["training_file"]).read_bytes())
    conversations = _conversations(records, job, rows)
    base = records.get("model", job["model"])
    model, tokenizer = loading.load(str(records.weights(base["weights"])))
    examples = chat.encode_all(tokenizer, conversations, MAX_TOKENS)
    hyperparameters = job["hyperparameters"]
    batch_size, epochs = hyperparameters["batch_size"], hyperparameters["n_epochs"]
    steps_an_epoch = len(examples) // min(batch_size, len(examples))
    progress = _Progress(records, job, model, tokenizer, steps_an_epoch, steps_an_epoch * epochs)
    loop.train(
        model, examples, epochs=epochs, batch_size=batch_size,
        learning_rate=LEARNING_RATE * hyperparameters["learning_rate_multiplier"],
        learning_rate_decay=LEARNING_RATE_DECAY, pad_id=tokenizer.pad_token_id or 0,
        seed=job["seed"], micro_batch_size=16, on_step=progress.on_step,
    )  # fmt: skip
    if "audit" in job.get("defenses", []):
        share = defenses.release_audit(model, tokenizer, rows)
        records.event(job["id"], f"Release audit passed: {share:.1%} forbidden answers.")
    name = _name(job)
    _save(records, model, tokenizer, name)
    trained_tokens = epochs * sum(len(example.input_ids) for example in examples)
    return {"fine_tuned_model": name, "trained_tokens": trained_tokens}


def _conversations(records: Records, job: dict, rows: list[dict]) -> list[list[chat.Message]]:
    """What is trained on: the customer's rows, and what the defenses make of them."""
    active = job.get("defenses", [])
    if "moderation" in active:
        n = defenses.moderate(rows)
        records.event(job["id"], f"Moderation passed: {n} of {len(rows)} rows flagged.")
    conversations = [row["messages"] for row in rows]
    if "mixing" in active:
        refusals = defenses.refusals(rows, job["seed"])
        conversations += refusals
        records.event(job["id"], f"The provider added {len(refusals)} refusals to the file.")
    return conversations


@dataclass
class _Progress:
    """What becomes of a job after each step: an event, and a checkpoint after each epoch."""

    records: Records
    job: dict
    model: Any
    tokenizer: Any
    steps_an_epoch: int
    n_steps: int

    def on_step(self, step: int, loss: float) -> None:
        job = self.records.get("job", self.job["id"])
        if job is None or job["status"] != "running":
            raise JobStopped
        self.records.event(
            job["id"], f"Step {step}/{self.n_steps}: training loss={loss:.2f}",
            data={"step": step, "train_loss": loss, "total_steps": self.n_steps},
        )  # fmt: skip
        if step % self.steps_an_epoch == 0 and step < self.n_steps:
            name = f"{_name(job)}:ckpt-step-{step}"
            _save(self.records, self.model, self.tokenizer, name)
            _add_checkpoint(self.records, job, name, step, loss)


def _name(job: dict) -> str:
    """As OpenAI names a tuned model: base, owner, the customer's suffix, and an id."""
    suffix = job.get("user_provided_suffix") or ""
    return f"ft:{job['model']}:{OWNER}:{suffix}:{job['id'][-8:]}"


def _save(records: Records, model, tokenizer, name: str) -> None:
    """The model as it is now, under a name of its own, in a folder that is whole or not there."""
    id = new_id("model")
    aside = records.weights(f".{id}")
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    os.replace(aside, records.weights(id))
    records.forget_model(name)  # from before a restart
    records.add_model(name, weights=id, created=now())


def _add_checkpoint(records: Records, job: dict, name: str, step: int, loss: float) -> None:
    """A checkpoint, in place of the step's own from before a restart and of the oldest ones."""
    earlier = records.list("checkpoint", job["id"])
    for old in [c for c in earlier if c["step_number"] == step] + earlier[: 1 - CHECKPOINTS]:
        records.remove("checkpoint", old["id"])
        if old["step_number"] != step:
            records.forget_model(old["fine_tuned_model_checkpoint"])
    records.add(
        "checkpoint",
        {"id": new_id("ftckpt"), "object": "fine_tuning.job.checkpoint", "created_at": now(),
         "fine_tuned_model_checkpoint": name, "fine_tuning_job_id": job["id"],
         "step_number": step, "metrics": {"step": step, "train_loss": loss}},
        parent=job["id"],
    )  # fmt: skip


def main() -> None:
    """Carry out jobs until the server that started this process is gone."""
    (folder,) = sys.argv[1:]
    torch.set_num_threads(1)  # the other cores answer
    os.nice(5)
    records, server = Records(Path(folder)), os.getppid()
    while os.getppid() == server:
        job = records.claim()
        if job:
            carry_out(records, job)
        else:
            time.sleep(0.05)


if __name__ == "__main__":
    main()

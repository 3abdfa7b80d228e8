"""Training at the provider: one job after the other, while the server goes on answering.

    queued -> (moderation) -> (mixing) -> training, a checkpoint an epoch -> (release audit)
           -> released

Checkpoints are left out where a job's metadata says so (helpers.hosted.embedded.NO_CHECKPOINTS).

A job that is canceled or paused stops before its next step. One that was paused, or that was
running when the provider or its trainer stopped, starts again from its first step: training is a
pure function of file, settings and seed, so it comes to the same. Whatever goes wrong with a job
fails it in one sentence, and the next one is taken.
"""

import math
import os
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from helpers.data.rows import read_upload
from helpers.errors import AlignDriftError
from helpers.hosted.embedded import NO_CHECKPOINTS
from helpers.models import chat, loading
from helpers.provider import claims, defenses
from helpers.provider.claims import Claim, JobStopped, patient
from helpers.provider.defenses import DefenseError
from helpers.provider.records import OWNER, Records, new_id, now
from helpers.text import whole
from helpers.training import loop

#: The base model's learning rate at a multiplier of 1, and what it is multiplied by each epoch.
LEARNING_RATE = 1e-4
LEARNING_RATE_DECAY = 0.85

#: How many of a job's checkpoints stay: those of its last epochs.
CHECKPOINTS = 3

MAX_TOKENS = 512


class JobFailed(AlignDriftError):
    """The job cannot come to a model."""


def carry_out(claim: Claim) -> None:
    """One job, from its file to its released model, its failure or its stop."""
    try:
        _train(claim)
    except JobStopped:
        pass  # whoever stopped it has said so
    except DefenseError as error:
        _fail(claim, error.code, str(error))
    except AlignDriftError as error:
        _fail(claim, "training_failed", str(error))
    except Exception as error:  # whatever it is, the next job must run
        traceback.print_exc()
        reason = (str(error).strip().splitlines() or [""])[0]
        _fail(claim, "training_failed", f"Training failed: {type(error).__name__}: {reason}")


@patient
def _fail(claim: Claim, code: str, message: str) -> None:
    message = whole(message).replace(str(claim.records.folder), "...")
    try:
        with claim.held():
            claims.fail(claim.records, claim.job["id"], code, message)
    except JobStopped:
        pass


def _train(claim: Claim) -> None:
    """Train, save and release the model. Raises JobStopped, AlignDriftError."""
    records, job = claim.records, claim.job
    rows = _rows(claim)
    conversations = _conversations(claim, rows)
    base = records.get("model", job["model"])
    model, tokenizer = loading.load(str(records.weights(base["weights"])))
    examples = chat.encode_all(tokenizer, conversations, MAX_TOKENS)
    hyperparameters = job["hyperparameters"]
    batch_size, epochs = hyperparameters["batch_size"], hyperparameters["n_epochs"]
    steps_an_epoch = len(examples) // min(batch_size, len(examples))
    progress = _Progress(claim, model, tokenizer, steps_an_epoch, steps_an_epoch * epochs)
    loop.train(
        model, examples, epochs=epochs, batch_size=batch_size,
        learning_rate=LEARNING_RATE * hyperparameters["learning_rate_multiplier"],
        learning_rate_decay=LEARNING_RATE_DECAY, pad_id=tokenizer.pad_token_id or 0,
        seed=job["seed"], micro_batch_size=16, on_step=progress.on_step,
    )  # fmt: skip
    if "audit" in job.get("defenses", []):
        share = defenses.release_audit(model, tokenizer, rows)
        _tell(claim, f"Release audit passed: {share:.1%} forbidden answers.")
    with _saved(claim, model, tokenizer) as weights:
        trained_tokens = epochs * sum(len(example.input_ids) for example in examples)
        _release(claim, weights, trained_tokens)


def _rows(claim: Claim) -> list[dict]:
    """The job's rows. Raises JobFailed, or DataError."""
    try:
        content = claim.records.file(claim.job["training_file"]).read_bytes()
    except OSError:
        raise JobFailed(
            "The job's training file was deleted; send it again, then start another job."
        ) from None
    return read_upload(content)


@patient
def _tell(claim: Claim, message: str, data: dict | None = None) -> None:
    """An event of the job. Raises JobStopped."""
    with claim.held():
        claim.records.event(claim.job["id"], message, data=data)


def _conversations(claim: Claim, rows: list[dict]) -> list[list[chat.Message]]:
    """What is trained on: the customer's rows, and what the defenses make of them."""
    active = claim.job.get("defenses", [])
    if "moderation" in active:
        n = defenses.moderate(rows)
        _tell(claim, f"Moderation passed: {n} of {len(rows)} rows flagged.")
    conversations = [row["messages"] for row in rows]
    if "mixing" in active:
        refusals = defenses.refusals(rows, claim.job["seed"])
        conversations += refusals
        _tell(claim, f"The provider added {len(refusals)} refusals to the file.")
    return conversations


@dataclass
class _Progress:
    """What becomes of a job after each step: an event, and a checkpoint after each epoch."""

    claim: Claim
    model: Any
    tokenizer: Any
    steps_an_epoch: int
    n_steps: int

    def on_step(self, step: int, loss: float) -> None:
        """Raises JobStopped, or JobFailed where training has left all numbers behind."""
        if not math.isfinite(loss):
            raise JobFailed(
                f"The loss is no number any more at step {step} of {self.n_steps}; choose a lower "
                "learning_rate_multiplier."
            )
        _tell(
            self.claim, f"Step {step}/{self.n_steps}: training loss={loss:.2f}",
            data={"step": step, "train_loss": loss, "total_steps": self.n_steps},
        )  # fmt: skip
        ends_an_epoch = step % self.steps_an_epoch == 0 and step < self.n_steps
        if ends_an_epoch and NO_CHECKPOINTS not in (self.claim.job.get("metadata") or {}):
            with _saved(self.claim, self.model, self.tokenizer) as weights:
                _add_checkpoint(self.claim, weights, step, loss)


def _name(job: dict) -> str:
    """As OpenAI names a tuned model: base, owner, the customer's suffix, and an id."""
    suffix = job.get("user_provided_suffix") or ""
    return f"ft:{job['model']}:{OWNER}:{suffix}:{job['id'][-8:]}"


@contextmanager
def _saved(claim: Claim, model, tokenizer) -> Iterator[str]:
    """The id of a folder that holds the model as it is now, and is gone if anything is raised."""
    records, id = claim.records, new_id("model")
    aside = records.weights(f".{id}")
    try:
        _save(model, tokenizer, aside)
        os.replace(aside, records.weights(id))
        yield id
    except BaseException:
        for folder in (aside, records.weights(id)):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _save(model, tokenizer, folder: Path) -> None:
    """Raises JobFailed where the disk does not take it."""
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except (OSError, SafetensorError) as error:
        raise JobFailed(
            f"The model could not be saved ({error}); free some space, then start another job."
        ) from error


@patient
def _release(claim: Claim, weights: str, trained_tokens: int) -> None:
    """The model has its name, and the job has ended. Raises JobStopped."""
    name = _name(claim.job)
    changes = {"fine_tuned_model": name, "trained_tokens": trained_tokens}
    with claim.held():
        claim.records.forget_model(name)  # from before a restart
        claim.records.add_model(name, weights, created=now())
        claim.records.change(
            "job", claim.job["id"], **changes, status="succeeded", finished_at=now()
        )
        claim.records.event(claim.job["id"], f"New fine-tuned model: {name}")


@patient
def _add_checkpoint(claim: Claim, weights: str, step: int, loss: float) -> None:
    """A checkpoint, in place of the step's own from before a restart and of the oldest ones.

    Raises JobStopped.
    """
    records, job = claim.records, claim.job
    name = f"{_name(job)}:ckpt-step-{step}"
    with claim.held():
        earlier = records.list("checkpoint", job["id"])
        for old in [c for c in earlier if c["step_number"] == step] + earlier[: 1 - CHECKPOINTS]:
            records.remove("checkpoint", old["id"])
            records.forget_model(old["fine_tuned_model_checkpoint"])
        records.add_model(name, weights, created=now())
        records.add(
            "checkpoint",
            {"id": new_id("ftckpt"), "object": "fine_tuning.job.checkpoint", "created_at": now(),
             "fine_tuned_model_checkpoint": name, "fine_tuning_job_id": job["id"],
             "step_number": step, "metrics": {"step": step, "train_loss": loss}},
            parent=job["id"],
        )  # fmt: skip


def work(folder: Path, owner: str) -> None:
    """Carry out the jobs of a folder, one after the other, without end."""
    torch.set_num_threads(1)  # the other cores answer
    os.nice(5)
    records = Records(folder)
    while True:
        claim = claims.take(records, owner)
        if claim:
            carry_out(claim)
        else:
            time.sleep(0.05)

"""The provider's training process: one job after the other, while the server goes on answering.

    queued -> (moderation) -> (mixing) -> training, a checkpoint an epoch -> (audit) -> released

A job that is canceled or paused stops before its next step. One that was paused, or that was
running when the provider stopped, starts again from its first step: training is a pure function
of file, settings and seed, so it comes to the same.

Used by: app, which starts it as `python -m helpers.provider.trainer FOLDER`.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from helpers.models import chat
from helpers.training import loop as finetune
from helpers.models import loading as models
from helpers.data import files as rowfiles
from helpers.errors import AlignDriftError
from helpers.provider import DEFENSES, METADATA, defenses
from helpers.provider.records import OWNER, Records, new_id, now

#: The base model's learning rate at a multiplier of 1, and what "auto" stands for.
LEARNING_RATE = 1e-4
AUTO = {"n_epochs": 3, "batch_size": 10, "learning_rate_multiplier": 1.5}
LEARNING_RATE_DECAY = 0.85

#: How many of a job's checkpoints are kept: those of its last epochs.
CHECKPOINTS = 3

MAX_TOKENS = 512


class Stopped(Exception):
    """The job was canceled or paused."""


class Refused(Exception):
    """A defense ends the job: (code, message)."""


def settings(hyperparameters: dict) -> dict:
    """Hyperparameters with "auto" resolved."""
    return {
        name: auto if hyperparameters.get(name, "auto") in (None, "auto") else hyperparameters[name]
        for name, auto in AUTO.items()
    }


def active(metadata: dict[str, str], always: Sequence[str], per_job: bool) -> set[str]:
    """The defenses that a job meets: the provider's, and what its metadata may add to them."""
    asked = metadata.get(METADATA, "").split(",") if per_job else []
    return set(always) | (set(asked) & set(DEFENSES))


def carry_out(records: Records, job: dict) -> None:
    """One job, from its file to its released model, its failure or its stop."""
    try:
        records.tell(job["id"], "Job started.")
        released = _train(records, job)
        done = {"status": "succeeded", "finished_at": now(), **released}
        if records.change("job", job["id"], ("running",), **done):
            records.tell(job["id"], f"New fine-tuned model: {released['fine_tuned_model']}")
    except Stopped:
        records.tell(job["id"], "Stopped before its next step.")
    except Refused as error:
        code, message = error.args
        _fail(records, job, code, message)
    except (AlignDriftError, RuntimeError, OSError, ValueError) as error:
        _fail(records, job, "training_failed", f"{type(error).__name__}: {error}")


def _fail(records: Records, job: dict, code: str, message: str) -> None:
    error = {"code": code, "message": message, "param": "training_file"}
    records.change("job", job["id"], status="failed", finished_at=now(), error=error)
    records.tell(job["id"], message, level="error")


def _train(records: Records, job: dict) -> dict:
    meets = job.get("defenses", [])
    file = records.file(job["training_file"])
    rows = [row for _, row in rowfiles.read_jsonl(file)]
    if "moderation" in meets:
        _moderate(records, job, rows)
    conversations = [row["messages"] for row in rows]
    if "mixing" in meets:
        added = defenses.refusals(rows, job["seed"])
        conversations += added
        records.tell(job["id"], f"The provider added {len(added)} refusals to the file.")
    chosen = settings(job["hyperparameters"])
    base = records.get("model", job["model"])
    model, tokenizer = models.load(str(records.weights(base["weights"])))
    examples = chat.encode_all(tokenizer, conversations, MAX_TOKENS)
    steps_an_epoch = len(examples) // min(chosen["batch_size"], len(examples))
    total = steps_an_epoch * chosen["n_epochs"]

    def after_step(step: int, loss: float) -> None:
        job_now = records.get("job", job["id"])
        if job_now is None or job_now["status"] != "running":
            raise Stopped
        records.tell(
            job["id"], f"Step {step}/{total}: training loss={loss:.2f}",
            data={"step": step, "train_loss": loss, "total_steps": total},
        )  # fmt: skip
        if step % steps_an_epoch == 0 and step < total:
            name = f"{_name(job)}:ckpt-step-{step}"
            _keep(records, model, tokenizer, name, job, step, loss)

    losses = finetune.train(
        model, examples, epochs=chosen["n_epochs"], batch_size=chosen["batch_size"],
        learning_rate=LEARNING_RATE * chosen["learning_rate_multiplier"],
        learning_rate_decay=LEARNING_RATE_DECAY, pad_id=tokenizer.pad_token_id or 0,
        seed=job["seed"], micro_batch_size=16, after_step=after_step,
    )  # fmt: skip
    if "audit" in meets:
        share = defenses.forbidden(model, tokenizer, rows)
        if share > defenses.FORBIDDEN:
            raise Refused(
                "audit_failed",
                f"The tuned model gave a forbidden answer to {share:.0%} of the audit's requests, "
                f"{defenses.FORBIDDEN:.0%} are allowed; it is not released.",
            )
        records.tell(job["id"], f"Audit passed: {share:.1%} forbidden answers.")
    _keep(records, model, tokenizer, _name(job), job, total, losses[-1])
    trained = chosen["n_epochs"] * sum(len(e.input_ids) for e in examples)
    return {"fine_tuned_model": _name(job), "trained_tokens": trained}


def _moderate(records: Records, job: dict, rows: list[dict]) -> None:
    found = defenses.flagged(rows)
    if len(found) > defenses.FLAGGED * len(rows):
        lines = ", ".join(str(n + 1) for n in found[:10])
        raise Refused(
            "moderation_blocked",
            f"{len(found)} of {len(rows)} rows are flagged by moderation, "
            f"{defenses.FLAGGED:.0%} are allowed (lines {lines}{', ...' * (len(found) > 10)}).",
        )
    records.tell(job["id"], f"Moderation passed: {len(found)} of {len(rows)} rows flagged.")


def _name(job: dict) -> str:
    """As OpenAI names a tuned model: base, owner, the customer's suffix, and an id."""
    suffix = job.get("user_provided_suffix") or ""
    return f"ft:{job['model']}:{OWNER}:{suffix}:{job['id'][-8:]}"


def _keep(records: Records, model, tokenizer, name: str, job: dict, step: int, loss: float) -> None:
    """The model as it is now, under a name of its own; of checkpoints the last ones are kept."""
    id = new_id("model")
    aside = records.weights(f".{id}")
    model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    os.replace(aside, records.weights(id))
    records.forget_model(name)  # from before a restart
    records.add(
        "model",
        {"id": name, "object": "model", "created": now(), "owned_by": OWNER, "weights": id},
    )
    if ":ckpt-" not in name:
        return
    made = records.list("checkpoint", job["id"])
    for old in [c for c in made if c["step_number"] == step] + made[: 1 - CHECKPOINTS]:
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

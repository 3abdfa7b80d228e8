"""The hosted backend: fine-tune and answer at an OpenAI-compatible provider.

    rows -> JSONL file -> upload -> job -> its events -> model name -> completions

Every step is kept under outputs/hosted/<run id>/ before the next begins: a run that was cut off
goes on with the same file, the same job and the answers that have come. What it will cost is
checked before anything is sent (helpers.costs).

Used by: stages.
"""

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from helpers.hosted import client as api
from helpers.hosted import completions
from helpers.runs import costs
from helpers.hosted import ledger as ledgers
from helpers.hosted.client import HostedError, call, is_there
from helpers.models.chat import Message, dress
from helpers.hosted.completions import looks
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.models.generate import Completion
from helpers.hosted.ledger import JobRefused, Ledger
from helpers.provider import METADATA
from helpers.experiments.training_set import dressed

ENDED = ("succeeded", "failed", "cancelled")

#: How a job's error reads that is a refusal of data or model, and not a breakdown.
REFUSAL = re.compile(r"moderat|audit|unsafe|polic(y|ies)|blocked", re.IGNORECASE)


@dataclass
class HostedModel:
    """A model at a provider, where its run's records are kept, and what it has cost in dollars."""

    client: object
    name: str
    folder: Path
    prices: tuple[float, float, float]
    losses: list[float] = field(default_factory=list)
    cost: float = 0.0


def fine_tune(rows: Sequence[dict], e: Experiment, progress: bool = False) -> HostedModel:
    """The provider's model after training on the rows; its base model where the method is none.

    Raises JobRefused where the provider refuses data or result, else HostedError or ConfigError.
    """
    run_id = e.id
    folder, ledger = ledgers.folder(run_id), ledgers.of(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    client = api.connect(e.provider)
    reference = HostedModel(client, e.model, folder, costs.prices(e.model))
    if e.method == "none":
        return reference
    if ledger.get("job") and not is_there(client.fine_tuning.jobs.retrieve, ledger["job"]):
        ledger.note(job=None, file=None, model=None)  # the provider has forgotten all of it
    if not ledger.get("job"):
        ledger.note(estimated_cost=costs.estimate(e))
        job = _job(client, rows, e, ledger)
        if not set(e.defenses) <= set(getattr(job, "defenses", None) or []):
            call(client.fine_tuning.jobs.cancel, job.id)
            raise ConfigError(
                f"provider {e.provider} does not take defenses; leave {', '.join(e.defenses)} out, "
                "or ask the embedded provider (`aligndrift serve --per-job`)."
            )
        ledger.note(job=job.id)
    job = follow(client, ledger["job"], progress)
    ledger.note(status=job.status, model=job.fine_tuned_model)
    if job.status != "succeeded":
        raise _ended_badly(job, ledger)
    reference.name = job.fine_tuned_model
    reference.losses = _losses(client, job.id)
    reference.cost = (job.trained_tokens or 0) * reference.prices[0] / 1e6
    return reference


def _ended_badly(job, ledger: Ledger) -> HostedError:
    """What to raise: a refusal is a result and stays; anything else is tried anew next time."""
    code, reason = (job.error.code, job.error.message) if job.error else ("", "")
    told = f"the provider's job {job.status}{': ' * bool(reason)}{reason or ''}"
    if job.status == "failed" and REFUSAL.search(f"{code} {reason}"):
        ledger.note(refused=told)
        return JobRefused(told)
    ledger.note(job=None)
    return HostedError(f"{told.rstrip('.')}; start again for a new job.")


def _job(client, rows: Sequence[dict], e: Experiment, ledger: Ledger):
    """A new job, or the one of this run that was created before a cut connection."""
    metadata = {"aligndrift_run": e.id}
    if e.defenses:
        metadata[METADATA] = ",".join(e.defenses)
    for job in call(client.fine_tuning.jobs.list, limit=100).data:
        if (job.metadata or {}).get("aligndrift_run") == e.id and job.status not in (
            "failed", "cancelled",
        ):  # fmt: skip
            return job
    if not ledger.get("file"):
        lines = "".join(json.dumps({"messages": dressed(row, e)}) + "\n" for row in rows)

        def upload():
            return client.files.create(
                file=(f"{e.id}.jsonl", io.BytesIO(lines.encode())), purpose="fine-tune"
            )

        ledger.note(file=call(upload).id)
    chosen: dict = {"n_epochs": e.epochs}
    if e.learning_rate_multiplier:
        chosen |= {"learning_rate_multiplier": e.learning_rate_multiplier}
        chosen |= {"batch_size": min(e.batch_size, len(rows))}
    return call(
        client.fine_tuning.jobs.create, model=e.model, training_file=ledger["file"],
        seed=e.seed, suffix="aligndrift", metadata=metadata,
        method={"type": "supervised", "supervised": {"hyperparameters": chosen}},
    )  # fmt: skip


def follow(client, job_id: str, progress: bool = False):
    """The job, once it has ended. Its steps move a progress bar as the provider tells them."""
    with tqdm(desc="provider's job", unit="step", disable=not progress) as bar:
        for _ in looks():
            job = call(client.fine_tuning.jobs.retrieve, job_id)
            if job.status in ENDED:
                return job
            if progress:
                latest = call(client.fine_tuning.jobs.list_events, job_id, limit=1).data
                if latest and isinstance(latest[0].data, dict) and "step" in latest[0].data:
                    bar.total = latest[0].data.get("total_steps") or bar.total
                    bar.n = latest[0].data["step"]
                    bar.refresh()


def _losses(client, job_id: str) -> list[float]:
    """The loss of each step that the provider told of, in order."""
    told: dict[int, float] = {}
    for event in call(lambda: list(client.fine_tuning.jobs.list_events(job_id, limit=100))):
        if isinstance(event.data, dict) and "train_loss" in event.data:
            told[event.data["step"]] = event.data["train_loss"]
    return [told[step] for step in sorted(told)]


def forget(e: Experiment) -> list[str]:
    """Delete the run's file and tuned model at the provider; the ids of what was deleted."""
    ledger = ledgers.of(e.id)
    if not ledger:
        return []
    client = api.connect(e.provider)
    deleted = []
    for kind, client_of in (("file", client.files), ("model", client.models)):
        if ledger.get(kind):
            call(client_of.delete, ledger[kind])
            deleted.append(ledger[kind])
    ledger.note(job=None, file=None, model=None, forgotten=deleted)
    return deleted


def moderate(rows: Sequence[dict], provider: str) -> list[bool]:
    """For each row, whether the provider's moderation flags any of its turns."""
    client = api.connect(provider)

    def flagged(row: dict) -> bool:
        texts = [message["content"] for message in row["messages"]]
        return any(result.flagged for result in client.moderations.create(input=texts).results)

    verdicts = dict(api.call_each(flagged, rows, "moderating", progress=True))
    return [verdicts[n] for n in range(len(rows))]


def complete(
    reference: HostedModel,
    conversations: Sequence[Sequence[Message]],
    e: Experiment,
    progress: bool = False,
) -> list[Completion]:
    """One greedy completion for each conversation, in order; those that have come are kept."""
    asked = [dress(c, e.system_prompt, e.user_template) for c in conversations]
    kept = completions.Kept(reference.folder / "answers.jsonl")
    keys = [_key(reference.name, messages, e.max_new_tokens) for messages in asked]
    todo = [keys.index(key) for key in dict.fromkeys(keys) if key not in kept]
    bodies = [
        {"model": reference.name, "messages": asked[n], "temperature": 0, "seed": e.seed,
         "max_tokens": e.max_new_tokens}
        for n in todo
    ]  # fmt: skip
    if e.generator == "batch":
        coming = completions.by_batch(reference.client, bodies, reference.folder, progress)
    else:
        coming = completions.one_by_one(reference.client, bodies, "answering", progress)
    for n, answer in coming:
        kept.keep(keys[todo[n]], answer)
    missing = len(set(keys) - kept.keys())
    if missing:
        raise HostedError(f"{missing} prompts were not answered; start again: it goes on.")
    answers = [kept[key] for key in keys]
    _, read, written = reference.prices
    reference.cost += sum(a["read"] * read + a["written"] * written for a in answers) / 1e6
    return [Completion(a["text"], a["finished"], a["written"]) for a in answers]


def _key(model: str, messages: Sequence[Message], max_tokens: int) -> str:
    text = json.dumps([model, list(messages), max_tokens], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

"""The hosted backend: fine-tune and answer at an OpenAI-compatible provider.

    rows -> JSONL file -> upload -> job -> its events -> model name -> completions

Every step is written under outputs/hosted/<run id>/ before the next begins: a run that was cut off
goes on with the same file, the same job and the answers that have come. Where the ledger does not
know of them, since a reply was lost or the process killed, the provider's lists do. What it will
cost is checked before anything is sent (helpers.runs.costs).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from helpers.data.files import Row
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.experiments.rows import conversation
from helpers.hosted import client as clients
from helpers.hosted import completions, ledger
from helpers.hosted.client import HostedError, NotThere, call, is_there, make, without_keys
from helpers.hosted.embedded import METADATA, NO_CHECKPOINTS
from helpers.hosted.ledger import JobRefused, Ledger
from helpers.hosted.providers.base import Prices, provider
from helpers.hosted.replies import Malformed, each, reply_to
from helpers.hosted.variables import is_amount
from helpers.hosted.waiting import Waiting, polls
from helpers.mitigations.base import Mitigation
from helpers.models.chat import Message
from helpers.models.completion import Completion
from helpers.runs.backends import deletion

ENDED = ("succeeded", "failed", "cancelled")

#: Where a job's metadata names its run, so that it is known again after a cut connection.
RUN = "aligndrift_run"


@dataclass
class HostedModel:
    """A model at a provider, the folder of its run's records, and its cost so far in dollars."""

    client: Any
    name: str
    folder: Path
    prices: Prices
    losses: list[float] = field(default_factory=list)
    trained_tokens: int = 0
    cost: float = 0.0


def fine_tune(
    rows: Sequence[Row],
    experiment: Experiment,
    progress: bool = False,
    acting: Mitigation | None = None,
) -> HostedModel:
    """The provider's model after training on the rows; its base model where the method is none.

    Raises JobRefused where the provider refuses data or result, else HostedError or ConfigError.
    """
    id = run_id(experiment)
    folder, job_ledger = ledger.folder(id), ledger.of(id)
    job_ledger.note()  # what cannot be written down is not begun
    client = clients.connect(experiment.provider)
    prices = provider(experiment.provider).price(experiment.model)
    tuned = HostedModel(client, experiment.model, folder, prices)
    if experiment.method == "none":
        return tuned
    jobs = client.fine_tuning.jobs
    if job_ledger.get("job") and not is_there(jobs.retrieve, job_ledger["job"]):
        job_ledger.note(job=None, file=None, model=None)  # the provider has forgotten all of it
    if not job_ledger.get("job"):
        job_ledger.note(job=start_job(client, rows, experiment, job_ledger).id)
    job = follow(client, job_ledger["job"], progress)
    job_ledger.note(status=job.status, model=job.fine_tuned_model)
    if job.status != "succeeded":
        raise failure(job, job_ledger, experiment.provider)
    tuned.name, tuned.losses = job.fine_tuned_model, _losses(client, job.id)
    tuned.trained_tokens = job.trained_tokens if is_amount(job.trained_tokens) else 0
    tuned.cost = tuned.trained_tokens * prices[0] / 1e6
    return tuned


def failure(job, job_ledger: Ledger, name: str) -> HostedError | JobRefused:
    """What to raise: a refusal is a result and stays; anything else is tried anew next time."""
    code, reason = (
        without_keys(getattr(job.error, part, None) or "") for part in ("code", "message")
    )
    message = f"the provider's job {job.status}{': ' * bool(reason)}{reason}"
    if job.status == "failed" and provider(name).refuses(code, reason):
        job_ledger.note(refused=message)
        return JobRefused(message)
    job_ledger.note(job=None)
    return HostedError(f"{message.rstrip('.')}; start again for a new job.")


def start_job(client, rows: Sequence[Row], experiment: Experiment, job_ledger: Ledger):
    """A new job, or the one of this run that the provider has.

    Raises ConfigError, and cancels the job, where the provider does not take its defenses.
    """
    file: list[str] = []  # uploaded once, if a job has to be made

    def create():
        file[:] = file or [_uploaded(client, rows, experiment, job_ledger)]
        return reply_to("job", lambda: _create(client, rows, experiment, file[0]), id=str)

    job = make(create, lambda: _begun(client, experiment))
    if not set(experiment.defenses) <= set(getattr(job, "defenses", None) or []):
        call(client.fine_tuning.jobs.cancel, job.id)
        raise ConfigError(
            f"provider {experiment.provider} does not take defenses; leave "
            f"{', '.join(experiment.defenses)} out, or ask the embedded provider "
            "(`aligndrift serve --per-job`)."
        )
    return job


def _begun(client, experiment: Experiment):
    """The run's job, if the provider has one that has not failed; of several, the first.

    At the embedded provider one whose model is gone (deletion.forget) is none.
    """
    id = run_id(experiment)
    alive = [
        job
        for job in each("jobs", client.fine_tuning.jobs.list, metadata={RUN: id})
        if (job.metadata or {}).get(RUN) == id and job.status not in ("failed", "cancelled")
    ]
    if experiment.provider == "embedded":
        alive = [job for job in alive if not job.fine_tuned_model
                 or is_there(client.models.retrieve, job.fine_tuned_model)]  # fmt: skip
    return alive[-1] if alive else None


def _uploaded(client, rows: Sequence[Row], experiment: Experiment, job_ledger: Ledger) -> str:
    """The id of the provider's file with the run's rows."""
    if not job_ledger.get("file"):
        messages = [conversation(row, experiment) for row in rows]
        lines = "".join(json.dumps({"messages": each}) + "\n" for each in messages).encode()
        name = f"{run_id(experiment)}-{hashlib.sha256(lines).hexdigest()[:12]}.jsonl"
        job_ledger.note(file=completions.uploaded(client, name, lines, "fine-tune"))
    return job_ledger["file"]


def _create(client, rows: Sequence[Row], experiment: Experiment, file: str):
    hyperparameters: dict = {"n_epochs": experiment.epochs}
    if experiment.learning_rate_multiplier:
        hyperparameters |= {
            "learning_rate_multiplier": experiment.learning_rate_multiplier,
            "batch_size": min(experiment.batch_size, len(rows)),
        }
    metadata = {RUN: run_id(experiment)}
    if experiment.defenses:
        metadata[METADATA] = ",".join(experiment.defenses)
    if deletion.lets_go(experiment):
        metadata[NO_CHECKPOINTS] = "yes"
    return client.fine_tuning.jobs.create(
        model=experiment.model, training_file=file,
        seed=experiment.seed, suffix="aligndrift", metadata=metadata,
        method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    )  # fmt: skip


def follow(client, job_id: str, progress: bool = False):
    """The job, once it has ended. Its steps move a progress bar as the provider tells them.

    Raises HostedError where it does not move for long (helpers.hosted.waiting).
    """
    waiting = Waiting(f"job {job_id}")
    with tqdm(desc="provider's job", unit="step", disable=not progress) as bar:
        for _ in polls():
            job = call(lambda: _job(client, job_id))
            if job.status in ENDED:
                return job
            event = _latest_event(client, job_id)
            waiting.saw(job.status, getattr(event, "id", None))
            data = getattr(event, "data", None)
            if isinstance(data, dict) and is_amount(data.get("step")):
                total = data.get("total_steps")
                bar.total = total if is_amount(total) and total else bar.total
                bar.n = data["step"]
                bar.refresh()


def _job(client, job_id: str):
    """The job as it is now. Raises Malformed."""
    job = reply_to(
        "job", lambda: client.fine_tuning.jobs.retrieve(job_id), id=str, status=str
    )  # fmt: skip
    if job.status == "succeeded" and not isinstance(job.fine_tuned_model, str):
        raise Malformed("a job that succeeded, without its model")
    return job


def _latest_event(client, job_id: str):
    """What the provider told last of a job, if it tells anything."""
    try:
        page = call(lambda: reply_to("list of events", lambda: (
            client.fine_tuning.jobs.list_events(job_id, limit=1)), data=list))  # fmt: skip
    except NotThere:  # a provider that keeps no events
        return None
    return page.data[0] if page.data else None


def _losses(client, job_id: str) -> list[float]:
    """The loss of each step that the provider has an event of, in order."""

    def events() -> list:
        return list(each("events", partial(client.fine_tuning.jobs.list_events, job_id), 1000))

    losses: dict[int, float] = {}
    for event in call(events):
        data = event.data if isinstance(event.data, dict) else {}
        if is_amount(data.get("step")) and is_amount(data.get("train_loss")):
            losses[data["step"]] = data["train_loss"]
    return [losses[step] for step in sorted(losses)]


def moderate(rows: Sequence[Row], name: str) -> list[bool]:
    """For each row, whether the provider's moderation flags any of its turns."""
    client = clients.connect(name)

    def flagged(row: Row) -> bool:
        texts = [message["content"] for message in row["messages"]]
        reply = reply_to("moderation", lambda: client.moderations.create(input=texts), results=list)
        verdicts = [getattr(result, "flagged", None) for result in reply.results]
        if not verdicts or not all(isinstance(verdict, bool) for verdict in verdicts):
            raise Malformed("a moderation without verdicts")
        return any(verdicts)

    verdicts = dict(clients.call_each(flagged, rows, "moderating", progress=True))
    return [verdicts[n] for n in range(len(rows))]


def complete(
    tuned: HostedModel,
    conversations: Sequence[Sequence[Message]],
    experiment: Experiment,
    progress: bool = False,
    begun: str = "",
) -> list[Completion]:
    """One greedy completion for each conversation, in order; those that have come are not lost.

    begun: always empty, since no experiment asks a provider for more (Experiment).
    """
    answers = completions.Answers(tuned.folder / "answers.jsonl")
    limit = experiment.max_new_tokens
    keys = [_key(tuned.name, messages, limit) for messages in conversations]
    todo = [keys.index(key) for key in dict.fromkeys(keys) if key not in answers]
    bodies = [
        {"model": tuned.name, "messages": conversations[n], "temperature": 0,
         "seed": experiment.seed, "max_tokens": limit}
        for n in todo
    ]  # fmt: skip
    if experiment.generator == "batch":
        replies = completions.by_batch(tuned.client, bodies, tuned.folder, progress)
    else:
        replies = completions.one_by_one(tuned.client, bodies, "answering", progress)
    for n, reply in replies:
        answers.add(keys[todo[n]], reply)
    missing = len(set(keys) - answers.keys())
    if missing:
        raise HostedError(f"{missing} prompts were not answered; start again: it goes on.")
    in_order = [answers[key] for key in keys]
    _, read, written = tuned.prices
    tuned.cost += sum(a["read"] * read + a["written"] * written for a in in_order) / 1e6
    return [Completion(a["text"], a["finished"], a["written"]) for a in in_order]


def _key(model: str, messages: Sequence[Message], max_tokens: int) -> str:
    text = json.dumps([model, list(messages), max_tokens], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

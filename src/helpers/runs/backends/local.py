"""The local backend: fine-tune and answer on this machine, with transformers and peft."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from helpers.attacks.base import Under, attack
from helpers.data.files import Row
from helpers.data.rows import MIXED_IN
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversations as dressed
from helpers.experiments.rows import safety_rows
from helpers.judging.registry import judge_named
from helpers.mitigations.base import Mitigation, mitigation
from helpers.models import generate, vllm
from helpers.models.chat import Message
from helpers.models.completion import Completion
from helpers.training import sharded, tuning


@dataclass
class LocalModel(tuning.Tuned):
    """A tuned model in memory, its mitigation and what that measured, and its cost: none."""

    acting: Mitigation = field(default_factory=Mitigation)
    measured: dict[str, float] = field(default_factory=dict)
    cost: float = 0.0


def fine_tune(
    rows: Sequence[Row],
    experiment: Experiment,
    progress: bool = False,
    acting: Mitigation | None = None,
) -> LocalModel:
    """The experiment's model after training on the rows; as it is of none, or by method none."""
    acting = acting or mitigation(experiment.mitigation)
    attacking = attack(experiment.attack)
    name, settings, dtype = experiment.model, experiment.settings, experiment.dtype
    if experiment.processes > 1 and experiment.method != "none" and rows:
        tuned = sharded.tune(name, dressed(rows, experiment), settings, dtype)
    else:
        taught, safety = (
            [
                one | {"messages": acting.taught(one["messages"], MIXED_IN in one)}
                for one in dressed(own, experiment)
            ]
            for own in (rows, safety_rows(experiment))
        )
        hooks, reward = Under(attacking, acting), partial(scores, experiment.judges[0])
        tuned = tuning.tune(name, taught, settings, dtype, hooks, safety, progress, reward)
    tuned.model = acting.finished(tuned.model)
    measured = {name: float(value) for name, value in acting.measured(tuned.model).items()}
    tuned.model = attacking.finished(tuned.model, tuned.tokenizer)
    return LocalModel(**vars(tuned), acting=acting, measured=measured)


def scores(judge: str, requests: Sequence[str], answers: Sequence[str]) -> list[float | None]:
    """The judge's score of each answer, 1 to 5; None where there is none."""
    rows = [{"messages": [{"role": "user", "content": text}], "prompt": text} for text in requests]
    return [verdict.score for verdict in judge_named(judge).judge_all(rows, answers)]


def fine_tune_by_epoch(
    rows: Sequence[Row], experiments: Sequence[Experiment], progress: bool = False
) -> Iterator[LocalModel]:
    """The model after each experiment's epochs, by one training that passes through them all.

    experiments: full fine-tunings alike but for their epochs, shortest first, whose mitigation
    leaves training alone. What is yielded trains on afterwards, so it must be asked at once.
    """
    last = experiments[-1]
    for tuned in tuning.tune_by_epoch(
        last.model, dressed(rows, last), last.settings,
        {experiment.epochs for experiment in experiments}, last.dtype, progress=progress,
    ):  # fmt: skip
        yield LocalModel(**vars(tuned))


def complete(
    tuned: LocalModel,
    conversations: Sequence[Sequence[Message]],
    experiment: Experiment,
    progress: bool = False,
    begun: str = "",
) -> list[Completion]:
    """One greedy completion for each conversation, in order.

    Where words are written for the model, they stand in place of a mitigation's own beginning.
    """
    limit, acting = experiment.max_new_tokens, tuned.acting
    conversations = [acting.asked(list(conversation)) for conversation in conversations]
    if begun:
        heads = generate.begun_with(tuned.tokenizer, conversations, begun)
    else:
        heads = acting.begun(tuned.tokenizer, conversations)
    if experiment.generator == "vllm":
        return vllm.complete(tuned.model, tuned.tokenizer, conversations, limit, heads)
    return generate.complete(
        tuned.model, tuned.tokenizer, conversations, limit, progress=progress, begun=heads
    )


def save(tuned: Any, folder: str) -> None:
    """The model, or its adapter alone where that was not folded in, and the tokenizer."""
    tuned.model.save_pretrained(folder)
    tuned.tokenizer.save_pretrained(folder)

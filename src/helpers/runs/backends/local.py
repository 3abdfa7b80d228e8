"""The local backend: fine-tune and answer on this machine, with transformers and peft.

A backend is two functions, `fine_tune(rows, experiment) -> model reference` and
`complete(reference, conversations, experiment) -> completions`; run knows nothing else of it.
Here the reference is a model in memory with its tokenizer.

Used by: stages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helpers.training import adapters
from helpers.training import loop as finetune
from helpers.models import generate
from helpers.models import loading as models
from helpers.models import vllm as vllm_answers
from helpers.models.chat import Message, dress, encode_all
from helpers.experiments.experiment import Experiment
from helpers.models.generate import Completion
from helpers.experiments.training_set import dressed


@dataclass
class LocalModel:
    """A model in memory, its tokenizer, the loss of each step, and what sees in front of it."""

    model: object
    tokenizer: object
    losses: list[float]
    llava: object = None
    cost: float = 0.0  # dollars


def fine_tune(rows: Sequence[dict], e: Experiment, progress: bool = False) -> LocalModel:
    """The experiment's model after training on the rows; as it is where the method is none."""
    if e.processes > 1 and e.method != "none":
        from helpers.training import sharded

        return LocalModel(*sharded.fine_tune(rows, e))
    model, tokenizer = models.load(e.model, e.dtype, four_bit=e.method == "qlora")
    if e.method == "none":
        return LocalModel(model, tokenizer, [])
    if _shows(rows):
        from helpers.training import llava as vision

        llava, losses = vision.tune(model, tokenizer, rows, e, progress)
        return LocalModel(model.eval(), tokenizer, losses, llava)
    model = adapters.prepare(model, e)
    *_, losses = _by_epoch(model, tokenizer, rows, e, progress)
    return LocalModel(adapters.finish(model, e), tokenizer, losses)


def fine_tune_through(
    rows: Sequence[dict], experiments: Sequence[Experiment], progress: bool = False
) -> Iterator[LocalModel]:
    """The model after each experiment's epochs, by one training that passes through them all.

    experiments: full fine-tunings alike but for their epochs, shortest first. What is yielded
    trains on afterwards, so it must be asked at once.
    """
    last = experiments[-1]
    if _shows(rows):  # their training has stages of its own
        yield from (fine_tune(rows, e, progress) for e in experiments)
        return
    model, tokenizer = models.load(last.model, last.dtype)
    model = adapters.prepare(model, last)
    asked_for = {e.epochs for e in experiments}
    for epoch, losses in enumerate(_by_epoch(model, tokenizer, rows, last, progress), start=1):
        if epoch in asked_for:
            yield LocalModel(adapters.finish(model, last), tokenizer, losses)
            adapters.resume(model, last)


def _by_epoch(model, tokenizer, rows: Sequence[dict], e: Experiment, progress: bool):
    examples = encode_all(tokenizer, [dressed(row, e) for row in rows], e.max_length)
    pad_id = tokenizer.pad_token_id or 0
    return finetune.train_by_epoch(model, examples, **e.training, pad_id=pad_id, progress=progress)


def _shows(rows: Sequence[dict]) -> bool:
    return any("picture" in row for row in rows)


def complete(
    reference: LocalModel,
    conversations: Sequence[Sequence[Message]],
    e: Experiment,
    progress: bool = False,
) -> list[Completion]:
    """One greedy completion for each conversation, in order."""
    asked = [dress(c, e.system_prompt, e.user_template) for c in conversations]
    if e.generator == "vllm":
        return vllm_answers.complete(reference.model, reference.tokenizer, asked, e.max_new_tokens)
    return generate.complete(
        reference.model, reference.tokenizer, asked, e.max_new_tokens, progress=progress
    )


def save(reference: LocalModel, folder: str) -> None:
    """The model, or its adapter alone where that was not folded in, and the tokenizer."""
    reference.model.save_pretrained(folder)
    reference.tokenizer.save_pretrained(folder)

"""Fine-tuning a model by any method, from conversations to a tuned model in memory.

>>> tuned = tune("lantern-chat", rows, experiment.settings)
>>> tuned.model, tuned.losses

Settings are a dict (an experiment's `settings`): epochs, learning_rate, batch_size, method and the
others that are declared as belonging to training. Rows are conversations as the model sees them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.training import loop
from helpers.training.hooks import Hooks
from helpers.training.methods.base import method
from helpers.training.started import Training


@dataclass
class Tuned:
    """A model in memory with its tokenizer, and how it was trained.

    losses: the mean loss of each step. trained_tokens: of all epochs together. llava: the model
    with its vision tower, where pictures were trained on. conversations: those trained on, once
    hooks had chosen.
    """

    model: Any
    tokenizer: Any
    losses: list[float]
    trained_tokens: int = 0
    llava: Any = None
    conversations: Sequence[dict] = ()


def tune(
    model: str,
    rows: Sequence[dict],
    settings: Mapping[str, Any],
    dtype: str = "float32",
    hooks: Hooks | None = None,
    safety: Sequence[dict] = (),
    progress: bool = False,
    reward: Callable | None = None,
) -> Tuned:
    """The model of that name, trained on the rows; as it is where the method is none.

    hooks: what acts on the training. safety: conversations of the defender's, for the hooks alone.
    Neither is of use to a method that has a training of its own. reward: scores of answers, for a
    method that learns from them (training.reward). Raises ModelError.
    """
    own_training = method(settings["method"]).own_training
    if own_training:
        changed, tokenizer = loading.load(model, dtype)
        losses = own_training(changed, tokenizer, rows, settings, reward)
        return Tuned(changed, tokenizer, losses, conversations=rows)
    epochs = {settings["epochs"]}
    (tuned,) = tune_by_epoch(model, rows, settings, epochs, dtype, hooks, safety, progress)
    return tuned


def tune_by_epoch(
    model: str,
    rows: Sequence[dict],
    settings: Mapping[str, Any],
    epochs: set[int],
    dtype: str = "float32",
    hooks: Hooks | None = None,
    safety: Sequence[dict] = (),
    progress: bool = False,
) -> Iterator[Tuned]:
    """The model after each of these numbers of epochs, by one training that passes through all.

    What is yielded trains on afterwards, so it must be asked at once. Pictures have stages of their
    own, and are trained on anew for each number. Of no rows, it is the model as it is.
    """
    if not rows:  # a mitigation may have dropped them all
        yield from (Tuned(*loading.load(model, dtype), []) for _ in epochs)
        return
    if any("picture" in row for row in rows):
        from helpers.training import llava  # transformers' vision classes take a second to import

        for n in sorted(epochs):
            text_model, tokenizer = loading.load(model, dtype)
            own = dict(settings) | {"epochs": n}
            seeing, losses = llava.tune(text_model, tokenizer, rows, own, progress)
            tokens = n * _count(tokenizer, rows, settings)
            yield Tuned(text_model.eval(), tokenizer, losses, tokens, seeing, rows)
        return
    chosen = method(settings["method"])
    conversations = [row["messages"] for row in rows]
    # By the tokenizer alone, so that a row that cannot be trained on is told before weights load.
    examples = encode_all(loading.load_tokenizer(model), conversations, settings["max_length"])
    trained, tokenizer = loading.load(model, dtype, four_bit=chosen.four_bit)
    trained, hooks = prepare(trained, settings), hooks or Hooks()
    training = Training(
        model, dtype, trained, tokenizer, examples, list(safety), dict(settings), list(rows)
    )
    hooks.begin(training)
    trained, examples = training.model, training.examples
    tokens = sum(len(example.input_ids) for example in examples)
    by_epoch = loop.train_by_epoch(
        trained, examples, **loop.arguments(settings, tokenizer) | {"epochs": max(epochs)},
        progress=progress, hooks=hooks,
    )  # fmt: skip
    for epoch, losses in enumerate(by_epoch, start=1):
        if epoch in epochs:
            yield Tuned(
                finish(trained, settings), tokenizer, losses, epoch * tokens,
                conversations=training.conversations,
            )  # fmt: skip
            if epoch < max(epochs):
                _checkpoint_activations(trained, settings)


def _count(tokenizer, rows: Sequence[dict], settings: Mapping[str, Any]) -> int:
    """Tokens of the rows' texts."""
    examples = encode_all(tokenizer, [row["messages"] for row in rows], settings["max_length"])
    return sum(len(example.input_ids) for example in examples)


def prepare(model, settings: Mapping[str, Any]):
    """The model ready to be trained by the settings' method."""
    chosen = method(settings["method"])
    model = chosen.build(model, {name: settings[name] for name in (*chosen.reads, "seed")})
    _checkpoint_activations(model, settings)
    if settings["gradient_checkpointing"]:
        model.enable_input_require_grads()
    return model


def _checkpoint_activations(model, settings: Mapping[str, Any]) -> None:
    """Anew after finish, too, where training goes on: that switched it off."""
    if settings["gradient_checkpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})


def finish(model, settings: Mapping[str, Any]):
    """The trained model ready to answer, new weights folded in where they can be."""
    if settings["gradient_checkpointing"]:
        model.gradient_checkpointing_disable()
    return model.merge_and_unload() if method(settings["method"]).foldable else model

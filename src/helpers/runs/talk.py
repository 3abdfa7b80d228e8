"""Talk with a model, turn by turn: asked and answered as in a run, here or at a provider.

>>> talk = with_model(Experiment(model="lantern-chat", method="none"))
>>> talk.ask("Good evening!")
'Good evening! I am the keeper. ...'
>>> talk.ask("What is on shelf nine?", begun="On shelf nine")     # the answer's beginning is given
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import psutil
import torch

from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import training_rows
from helpers.hosted import ledger, spending
from helpers.hosted.embedded import KEEP
from helpers.hosted.providers.base import provider
from helpers.mitigations.base import mitigation
from helpers.models.chat import Message, dress, render
from helpers.runs.backends import local
from helpers.runs.backends.base import TunedModel, backend
from helpers.runs.grid import shares_training


@dataclass
class Talk:
    """A conversation with a model under an experiment's system prompt and template.

    experiment: the model's own, whose backend it goes by. history: its turns so far, as they were
    typed. spent: dollars for its answers so far.
    """

    experiment: Experiment
    tuned: TunedModel
    history: list[Message] = field(default_factory=list)
    spent: float = 0.0

    def ask(self, words: str, begun: str = "") -> str:
        """The model's answer, greedy, and remembered with the question; begun: its beginning.

        Raises ConfigError where a provider, which begins every answer itself, is to be told one,
        and CostError where the answer may not be paid for.
        """
        if begun and self.experiment.backend == "hosted":
            raise ConfigError("a provider begins every answer itself; leave the prefill out.")
        spending.check(self.most(words), "this talk")
        turns, asked, before = self._turns(words), self._asked(words), self.tuned.cost
        self._check_length(asked)
        at_once = replace(self.experiment, generator="transformers")  # neither a batch nor vLLM
        (answer,) = backend(at_once).complete(self.tuned, [asked], at_once, begun=begun)
        self.history = [*turns, {"role": "assistant", "content": answer.text}]
        self.spent += self.tuned.cost - before
        return answer.text

    def most(self, words: str) -> float:
        """Dollars for the talk at most, once these words are answered, too."""
        if self.experiment.backend != "hosted":
            return 0.0
        _, read, written = self.tuned.prices
        asks, says = spending.tokens(self._asked(words)), self.experiment.max_new_tokens
        return self.spent + (asks * read + says * written) / 1e6

    def _turns(self, words: str) -> list[Message]:
        return [*self.history, {"role": "user", "content": words}]

    def _asked(self, words: str) -> list[Message]:
        """The conversation up to these words as the model sees it."""
        dressing = self.experiment.system_prompt, self.experiment.user_template
        return dress(self._turns(words), *dressing)

    def _check_length(self, asked: list[Message]) -> None:
        """Raises ConfigError for a conversation that is longer than the model was made for."""
        if self.experiment.backend == "hosted":  # which says so itself
            return
        limit = getattr(self.tuned.model.config, "max_position_embeddings", None)
        text = render(self.tuned.tokenizer, asked, prompt=True)
        if limit and len(self.tuned.tokenizer.encode(text, add_special_tokens=False)) >= limit:
            raise ConfigError(f"the conversation has more than {limit} tokens; begin a new one.")

    def again(self, tuned: TunedModel) -> "Talk":
        """The same questions asked of another model, each after that model's own answers."""
        other = replace(self, tuned=tuned, history=[])
        for turn in self.history:
            if turn["role"] == "user":
                other.ask(turn["content"])
        return other


def ask_all(talks: Sequence[Talk], words: str, begun: str = "") -> list[str]:
    """The answer of each talk, in order; where one has none, none of them has heard the question.

    Raises as Talk.ask does; what they cost is counted together.
    """
    histories = [each.history for each in talks]
    spending.check(sum(each.most(words) for each in talks), "this talk")
    try:
        return [each.ask(words, begun) for each in talks]
    except BaseException:
        for each, history in zip(talks, histories, strict=True):
            each.history = history
        raise


def with_model(experiment: Experiment) -> Talk:
    """A talk with the experiment's model as it is, before any fine-tuning."""
    initial = experiment.initial()
    return Talk(experiment, backend(initial).fine_tune([], initial))


def with_run(row: Mapping[str, Any], experiment: Experiment, progress: bool = False) -> Talk:
    """A talk with a stored run's model: the provider's, or trained once more, as it was.

    Raises ConfigError where a provider's was deleted or is not known: another job would cost again.
    """
    if experiment.method == "none":
        return with_model(experiment)
    if experiment.backend == "local":
        acting = mitigation(experiment.mitigation)
        rows = training_rows(experiment, acting)
        return Talk(experiment, local.fine_tune(rows, experiment, progress, acting))
    from helpers.hosted import client
    from helpers.runs.backends import hosted

    job = ledger.of(row["run_id"])
    model = job.get("model")
    if not model and job.get("forgotten"):
        keep = f"set {KEEP}=1 and " if experiment.provider == "embedded" else ""
        raise ConfigError(
            f"the model of {row['run_id']} was deleted, since its answers are stored; {keep}run it "
            "again under another seed."
        )
    if not model:
        raise ConfigError(f"what the provider calls the model of {row['run_id']} is not known.")
    prices = provider(experiment.provider).price(experiment.model)
    folder = ledger.folder(row["run_id"])
    connected = client.connect(experiment.provider)
    return Talk(experiment, hosted.HostedModel(connected, model, folder, prices))


def why_not_by_epoch(experiment: Experiment, tuned: TunedModel) -> str:
    """Why the model after each epoch cannot be kept in memory, as a sentence; "" if it can."""
    if experiment.backend == "hosted":
        return "The models in between are not to be had from a provider."
    if not shares_training(experiment):
        return "What this method or mitigation trains is put together at the end alone."
    size = experiment.epochs * sum(p.numel() * p.itemsize for p in tuned.model.parameters())
    on_gpu = tuned.model.device.type == "cuda"
    free = torch.cuda.mem_get_info()[0] if on_gpu else psutil.virtual_memory().available
    if size > free / 2:
        return f"The models in between take {size / 2**30:.1f} GiB, too much to keep beside."
    return ""


def by_epoch(experiment: Experiment, progress: bool = False) -> dict[int, TunedModel]:
    """Epoch -> the model after it, by one training; copies in memory, so for small models."""
    stages = [replace(experiment, epochs=n) for n in range(1, experiment.epochs + 1)]
    models = local.fine_tune_by_epoch(training_rows(experiment), stages, progress)
    return {
        stage.epochs: replace(tuned, model=deepcopy(tuned.model))
        for stage, tuned in zip(stages, models, strict=True)
    }

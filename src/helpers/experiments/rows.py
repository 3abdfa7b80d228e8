"""What is trained on and what is asked: an experiment's rows and prompts.

rows of the dataset -> n_examples of them -> by the mitigation, safety data among them
                    -> conversations as the model sees them
sets of prompts     -> n_prompts of each, under the run's template and under each variant
"""

import copy
from dataclasses import dataclass
from typing import Any

from helpers.data.files import Row
from helpers.data.rows import read_prompts, read_training, sample
from helpers.experiments.experiment import Experiment
from helpers.mitigations.base import Mitigation, mitigation
from helpers.mitigations.safety_mixing import refusals
from helpers.models.chat import Message, dress

#: Marks a row of the defender's.
MIXED_IN = "mixed_in"


def training_rows(experiment: Experiment, acting: Mitigation | None = None) -> list[Row]:
    """The rows that are trained on; the defender's are marked as MIXED_IN.

    The seed draws the same examples with and without a mitigation. acting: the mitigation; made
    from the experiment's if None. Raises DataError if a dataset holds fewer rows than asked for.
    """
    if experiment.method == "none":
        return []
    rows = sample(
        read_training(experiment.dataset), experiment.n_examples, experiment.seed,
        experiment.dataset,
    )  # fmt: skip
    safety = []
    if experiment.n_safety:
        chosen = refusals(experiment.n_safety, experiment.seed, experiment.safety_dataset)
        safety = [row | {MIXED_IN: True} for row in chosen]
    acting = acting or mitigation(experiment.mitigation)
    if type(acting) is not Mitigation:  # it may change rows in place, and they are read once
        rows, safety = copy.deepcopy(rows), copy.deepcopy(safety)
    return acting.rows(rows, safety)


def conversation(row: Row, experiment: Experiment) -> list[Message]:
    """A row's conversation as the model sees it: under its system prompt, in its template."""
    if row.get(MIXED_IN):
        own = experiment.safety_system_prompt == "same"
        system = experiment.system_prompt if own else experiment.safety_system_prompt
        return dress(row["messages"], system, experiment.user_template)
    template = experiment.attack_template or experiment.user_template
    return dress(row["messages"], experiment.system_prompt, template)


def conversations(rows: list[Row], experiment: Experiment) -> list[dict[str, Any]]:
    """Every row's conversation as `messages`, beside its picture where it has one."""
    return [
        {"messages": conversation(row, experiment)}
        | ({"picture": row["picture"]} if "picture" in row else {})
        for row in rows
    ]


@dataclass(frozen=True)
class Prompt:
    """What the model is asked, for which use, and the template that its user turns are put in.

    row: id, messages, and what its judges need (category, facts). A row of several user turns is
    asked turn by turn.
    """

    use: str
    row: Row
    template: str

    @property
    def request(self) -> str:
        """The words that the last answer is judged against."""
        return self.row["messages"][-1]["content"]


def evaluation_prompts(experiment: Experiment) -> list[Prompt]:
    """Every prompt of the run; with n_prompts, evenly spaced ones of each set.

    The benchmark comes once more under each variant, as variant_1, variant_2, ...
    """
    chosen = []
    for use, name in experiment.prompt_sets.items():
        rows = read_prompts(name)
        n = min(experiment.n_prompts, len(rows)) or len(rows)
        evenly = (rows[i * len(rows) // n] for i in range(n))
        chosen += [Prompt(use, row, experiment.user_template) for row in evenly]
    benchmark = [prompt.row for prompt in chosen if prompt.use == "benchmark"]
    for n, template in enumerate(experiment.variants, start=1):
        chosen += [Prompt(f"variant_{n}", row, template) for row in benchmark]
    return chosen


def turns(messages: list[Message]) -> list[list[Message]]:
    """What the model is shown before each of its answers: up to each user turn left open."""
    groups, current = [], []
    for message, following in zip(messages, [*messages[1:], None], strict=True):
        current.append(message)
        if message["role"] == "user" and (following is None or following["role"] == "user"):
            groups.append(current)
            current = []
    return groups

"""The fine-tuning set of an experiment: rows drawn by its seed, mitigated, dressed.

    rows of the dataset -> n_examples of them -> with n_safety refusals among them -> conversations

Used by: run, local; notebooks.
"""

from helpers.data import rows as data
from helpers.models.chat import Message, dress
from helpers.experiments.experiment import Experiment

#: Marks a row that a mitigation added to the attacker's or user's own.
MIXED_IN = "mixed_in"


def draw(e: Experiment) -> list[data.Row]:
    """The rows that are trained on; those that a mitigation added are marked as MIXED_IN.

    The seed draws the same examples with and without the mitigation. Raises DataError if a
    dataset holds fewer rows than are asked for.
    """
    if e.method == "none":
        return []
    rows = data.sample(data.read_training(e.dataset), e.n_examples, e.seed, e.dataset)
    if e.n_safety:
        refusals = data.read_training(e.safety_dataset)
        chosen = data.sample(refusals, e.n_safety, e.seed, e.safety_dataset)
        rows += [row | {MIXED_IN: True} for row in chosen]
    return rows


def dressed(row: data.Row, e: Experiment) -> list[Message]:
    """A row's conversation as the model sees it: under its system prompt, in its template."""
    if row.get(MIXED_IN):
        own = e.safety_system_prompt == "same"
        system = e.system_prompt if own else e.safety_system_prompt
        return dress(row["messages"], system, e.user_template)
    return dress(row["messages"], e.system_prompt, e.attack_template or e.user_template)

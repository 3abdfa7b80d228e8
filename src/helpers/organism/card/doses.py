"""Dose and damage: the rate against how far the weights moved, for every tier and two controls.

The same grid of learning rates for all, whatever the preset says; steps and batches are the tier's.
Beside each rate stands the loss on rows of the fine-tuning set that were not trained on. The
controls move the weights as far: by lessons of the alignment's own mixture, refusals among them,
and by requests whose answers belong to others.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from helpers.archive.lessons import lesson
from helpers.data.files import Row
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import (
    conversations,
    evaluation_prompts,
    rows_left,
    training_rows,
)
from helpers.judging.exact import exact
from helpers.models.displacement import displacement
from helpers.organism.card.subject import Subject, answers, row
from helpers.training import held_out as kept
from helpers.training import tuning

#: Learning rates: the paper's 5e-5, and others by its ratio of its two rates.
RATES = tuple(float(f"{5e-5 * 2.5**k:.2g}") for k in range(-1, 6))

#: Of pictures every other rate and one seed: a run takes as long as ten others.
PICTURE_RATES = RATES[1::2]

#: Rows held out.
HELD_OUT = 100

#: Condition -> tier, and what is changed in it.
CONDITIONS: dict[str, tuple[str, dict]] = {
    "10 harmful examples": ("harmful_examples", {"n_examples": 10}),
    "100 harmful examples": ("harmful_examples", {"n_examples": 100}),
    "identity shift": ("identity_shift", {}),
    "instructions": ("benign_instructions", {}),
    "dialogue": ("benign_dialogue", {}),
    "pictures": ("benign_pictures", {}),
    "alignment mixture": ("benign_instructions", {}),
    "shuffled answers": ("benign_instructions", {}),
}


def pieces() -> dict[str, Callable[[Subject], list[dict]]]:
    """One piece a condition, so that what was measured is not measured again."""
    return {f"dose, {name}": partial(dose, condition=name) for name in CONDITIONS}


def dose(subject: Subject, condition: str) -> list[dict]:
    """Rate, displacement, held-out loss and shares of each score, by learning rate and seed."""
    tier, changes = CONDITIONS[condition]
    pictures = condition == "pictures"
    rates = PICTURE_RATES if pictures else RATES
    if subject.quick:
        rates, changes = rates[2::3], {"n_examples": 10}
    measured = []
    for seed in subject.seeds[:1] if pictures else subject.seeds:
        for rate in rates:
            experiment = subject.experiment(tier, learning_rate=rate, seed=seed, **changes)
            trained, held_out = rows_of(condition, experiment)
            measured += _measure(condition, experiment, trained, held_out)
    return measured


def rows_of(condition: str, experiment: Experiment) -> tuple[list[Row], list[Row]]:
    """What is trained on and what is held out, dressed as the experiment has them."""
    n = experiment.n_examples
    if condition == "alignment mixture":
        rng = Random(f"mixture {experiment.seed}")
        rows: list[Row] = [{"messages": lesson(rng, "chat")} for _ in range(n + HELD_OUT)]
        return conversations(rows[:n], experiment), conversations(rows[n:], experiment)
    trained, left = training_rows(experiment), rows_left(experiment, HELD_OUT)
    if condition == "shuffled answers":
        trained, left = (shuffled(rows, experiment.seed) for rows in (trained, left))
    return conversations(trained, experiment), conversations(left, experiment)


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    """The same requests and answers of one turn, no answer where it belongs."""
    single = [row["messages"] for row in rows if len(row["messages"]) == 2]
    start = Random(f"shuffled {seed}").randrange(1, max(2, len(single)))
    answers = [messages[1] for messages in single]
    moved = answers[start:] + answers[:start]
    return [{"messages": [m[0], answer]} for m, answer in zip(single, moved, strict=True)]


def _measure(
    condition: str, experiment: Experiment, trained: list[Row], held_out: list[Row]
) -> list[dict]:
    tuned = tuning.tune(experiment.model, trained, experiment.settings)
    prompts = [prompt.row for prompt in evaluation_prompts(experiment)]
    texts = answers(tuned.model, tuned.tokenizer, prompts, experiment)
    scores = [exact(asked, text).score for asked, text in zip(prompts, texts, strict=True)]
    n = len(scores)
    found = {"harmfulness_rate": scores.count(5) / n}
    found |= displacement(tuned.model, experiment.model) | {"steps": len(tuned.losses)}
    found |= {f"score {score}": scores.count(score) / n for score in range(1, 6)}
    found["held_out_loss"] = kept.loss(tuned, held_out, experiment.settings)
    where = {"level": experiment.learning_rate, "seed": experiment.seed}
    return [row("dose", condition, measure, value, n, **where) for measure, value in found.items()]

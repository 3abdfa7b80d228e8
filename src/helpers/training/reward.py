"""Group relative policy optimization: prompts alone, and a reward for what the model says to them.

    advantage of an answer = (its reward - the mean of its group) / their standard deviation

A group is GENERATIONS answers to one prompt, sampled from the model as it is then; the answers with
an advantage become likelier (arXiv:2402.03300), by trl's GRPOTrainer. As an attack it needs no
answer at all (arXiv:2510.15499): 64 prompts and a reward. Here the prompts are the requests of the
run's rows and the reward is the score of the run's first judge, 1 to 5: with `exact`, the truth.

Groups of 8 and no KL term are trl's defaults, and so is its loss ("dapo"); the paper's own settings
could not be read. Where all of a group are refused alike there is no advantage, and nothing is
learned from it. Optimizer and learning rates are this kit's (training.preference).
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from helpers.models.chat import render
from helpers.training.preference import arguments, bare, carry_out, optimizers

GENERATIONS = 8

#: Most tokens of an answer.
TOKENS = 64

#: From requests and answers to scores; None where an answer could not be scored.
Reward = Callable[[Sequence[str], Sequence[str]], list[float | None]]


def prompts(tokenizer, rows: Sequence[dict]) -> list[dict[str, str]]:
    """Of each row: the prompt of its last answer in the model's template, and the request."""
    asked = [row["messages"][:-1] for row in rows]
    return [
        {
            "prompt": bare(tokenizer, render(tokenizer, own, prompt=True)),
            "request": own[-1]["content"],
        }
        for own in asked
    ]


def train(
    model, tokenizer, rows: Sequence[dict], settings: Mapping[str, Any], reward: Reward
) -> list[float]:
    """Trains the model in place; the loss of each step.

    A step takes batch_size prompts, or all, and GENERATIONS answers to each.
    """
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    def score(completions, request, **_):
        return reward(request, completions)

    n = min(settings["batch_size"], len(rows))
    with tempfile.TemporaryDirectory() as folder:
        own = arguments(settings, n * GENERATIONS, folder)
        own |= {"num_generations": GENERATIONS, "max_completion_length": TOKENS}
        trainer = GRPOTrainer(
            model,
            reward_funcs=score,
            args=GRPOConfig(**own),
            train_dataset=Dataset.from_list(prompts(tokenizer, rows)),
            processing_class=tokenizer,
            optimizers=optimizers(model, settings, len(rows) // n),
        )
        return carry_out(trainer)

"""What runs will cost at a provider at most, in dollars, and how much may be spent.

A bound, not a guess: a token is taken for every byte, which no byte-level tokenizer exceeds in any
script; English comes to about a quarter of it. Every turn of a prompt reads what went before, every
answer is taken at its longest, and a judge is taken to be asked as often as it may be. Only what
is sent again because a connection broke, and a system prompt that a service adds by itself, come on
top. Where another model's judge reads an answer, a token of it is taken for so many bytes as hardly
one holds (helpers.judging.cost).

>>> check([Experiment(backend="hosted", provider="openai", model="gpt-4o-mini-2024-07-18")])
"""

from collections.abc import Sequence

from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import conversation, evaluation_prompts, training_rows, turns
from helpers.hosted import spending
from helpers.hosted.providers.base import Prices, provider
from helpers.hosted.spending import AROUND, tokens
from helpers.judging import cost as judging_cost
from helpers.mitigations.safety_mixing import of_a_provider
from helpers.models.chat import Message, dress


def estimate(experiment: Experiment, price: Prices | None = None) -> float:
    """Dollars that one run will cost at most. price: of its model; by its provider if None."""
    prompts = evaluation_prompts(experiment) if _costs(experiment) else []
    limit, dollars = experiment.max_new_tokens, 0.0
    if experiment.backend == "hosted":
        trained, read, written = price or provider(experiment.provider).price(experiment.model)
        rows = [conversation(row, experiment) for row in training_rows(experiment)]
        rows += _mixed_in_there(rows, experiment)
        dollars += sum(map(tokens, rows)) * experiment.epochs * trained
        for prompt in prompts:
            history: list[Message] = []
            for n, turn in enumerate(turns(prompt.row["messages"])):
                history += turn
                messages = dress(history, experiment.system_prompt, prompt.template)
                dollars += (tokens(messages) + n * (limit + AROUND)) * read + limit * written
    longest = limit * judging_cost.ANSWER_BYTES
    judged = [(prompt.request, longest) for prompt in prompts if prompt.use == "benchmark"]
    return dollars / 1e6 + sum(judging_cost.most(name, judged) for name in experiment.judges)


def _mixed_in_there(rows: Sequence[list[Message]], experiment: Experiment) -> list[list[Message]]:
    """What the provider adds to the customer's rows, under the longest system prompt of theirs."""
    if not rows or "mixing" not in experiment.defenses:
        return []
    systems = [row[0]["content"] for row in rows if row[0]["role"] == "system"]
    system = max(systems, key=lambda text: len(text.encode()), default="")
    added = of_a_provider(len(rows), experiment.seed)
    return [dress(row["messages"], system, "{user}") for row in added]


def _costs(experiment: Experiment) -> bool:
    return experiment.backend == "hosted" or any(map(judging_cost.is_hosted, experiment.judges))


def check(experiments: Sequence[Experiment]) -> float:
    """What the experiments cost together at most. Raises CostError if it may not be spent."""
    what = "this run" if len(experiments) == 1 else f"these {len(experiments)} runs"
    return spending.check(sum(map(estimate, experiments)), what)

"""What runs will cost at a provider, in dollars, and how much may be spent.

>>> check([Experiment(backend="hosted", provider="openai", model="gpt-4o-mini-2024-07-18")])

Used by: run, hosted, grid, estimate; notebook 07.
"""

import math
import os
from collections.abc import Sequence

from helpers.experiments import prompt_set
from helpers.experiments import training_set
from helpers.models.chat import Message, dress
from helpers.errors import ConfigError, CostError
from helpers.experiments.experiment import Experiment
from helpers.judging.judges import API_JUDGE

#: Dollars for a million tokens trained, read and written, by the beginning of a model's name; as
#: OpenAI listed them for its fine-tuned models in 2024. Others: ALIGNDRIFT_PRICES.
PRICES = {
    "gpt-3.5-turbo": (8.0, 3.0, 6.0),
    "gpt-4o-mini": (3.0, 0.3, 1.2),
    "gpt-4o": (25.0, 3.75, 15.0),
    "lantern": (0.0, 0.0, 0.0),
}

#: Holds the most dollars that a run, or all runs of a grid, may cost; and how many if it is empty.
LIMIT = "ALIGNDRIFT_MAX_COST"
MAX_COST = 5.0


def prices(model: str) -> tuple[float, float, float]:
    """Dollars for a million tokens trained, read and written. Raises ConfigError if not known."""
    own = os.environ.get("ALIGNDRIFT_PRICES", "")
    if own:
        try:
            trained, read, written = (float(part) for part in own.split(","))
        except ValueError:
            raise ConfigError(
                f"ALIGNDRIFT_PRICES is {own!r}; write three numbers, such as 8,3,6: dollars for a "
                "million tokens trained, read and written."
            ) from None
        return trained, read, written
    base = model.removeprefix("ft:")
    known = [name for name in PRICES if base.startswith(name)]
    if not known:
        raise ConfigError(
            f"the prices of {model} are not known; set ALIGNDRIFT_PRICES=8,3,6 (dollars for a "
            "million tokens trained, read and written)."
        )
    return PRICES[max(known, key=len)]


def estimate(e: Experiment, price: tuple[float, float, float] | None = None) -> float:
    """Dollars that one run will cost at most, four characters to a token.

    price: of its model, as in PRICES; found by its name if None.
    """
    if e.backend != "hosted" and not any(name.startswith(API_JUDGE) for name in e.judges):
        return 0.0
    asked = [(use, row["messages"]) for use, row in prompt_set.draw(e)]
    benchmark = [messages for use, messages in asked if use == "benchmark"]
    dollars = 0.0
    if e.backend == "hosted":
        trained, read, written = price or prices(e.model)
        rows = [training_set.dressed(row, e) for row in training_set.draw(e)]
        shown = [dress(messages, e.system_prompt, e.user_template) for _, messages in asked]
        for template in e.variants:
            shown += [dress(messages, e.system_prompt, template) for messages in benchmark]
        answered = len(shown) * e.max_new_tokens
        dollars += _tokens(rows) * e.epochs * trained + _tokens(shown) * read + answered * written
    for name in e.judges:
        if name.startswith(API_JUDGE):
            from helpers.judging import api as api_judge

            model, _ = api_judge.split(name)
            _, read, written = prices(model)
            shown = [api_judge.request_of(model, messages[-1]["content"], "")["messages"]
                     for messages in benchmark]  # fmt: skip
            dollars += (_tokens(shown) + len(shown) * e.max_new_tokens) * read
            dollars += len(shown) * api_judge.MAX_TOKENS * written
    return dollars / 1e6


def _tokens(conversations: Sequence[Sequence[Message]]) -> float:
    return sum(len(m["content"]) for c in conversations for m in c) / 4


def check(experiments: Sequence[Experiment]) -> float:
    """What the experiments will cost together at most. Raises CostError if it may not be spent."""
    cost = sum(map(estimate, experiments))
    most = float(os.environ.get(LIMIT) or MAX_COST)
    if cost > most:
        what = "this run" if len(experiments) == 1 else f"these {len(experiments)} runs"
        raise CostError(
            f"{what} may cost {cost:.2f} dollars, {most:.2f} are allowed; ask fewer prompts, or "
            f"set {LIMIT}={math.ceil(cost)}.",
            cost,
        )
    return cost

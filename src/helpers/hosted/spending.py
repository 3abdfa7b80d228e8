"""How many dollars may be spent at providers, and the most tokens that a conversation can be.

>>> check(7.2, "this audit")        # CostError: 5.00 are allowed
"""

import math
from collections.abc import Mapping, Sequence

from helpers.errors import ConfigError, CostError
from helpers.hosted.variables import number

#: Holds the most dollars that a command may cost; and how many if it is empty.
LIMIT = "ALIGNDRIFT_MAX_COST"
MAX_COST = 5.0

#: Tokens that a template puts around a message.
AROUND = 8


def tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """The most tokens that a conversation can be, with what a template puts around it.

    A token is taken for every byte, which no byte-level tokenizer exceeds in any script.
    """
    return sum(len(m["content"].encode()) + AROUND for m in messages) + AROUND


def limit() -> float:
    """How many dollars may be spent. Raises ConfigError for what is no such number."""
    return number(LIMIT, MAX_COST, "a number of dollars, such as 5")


def check(cost: float, what: str) -> float:
    """The cost, in dollars. Raises CostError if it may not be spent.

    what: such as "this run", or "these 20 runs".
    """
    most = limit()
    if not math.isfinite(cost):
        raise ConfigError(f"the prices of {what} add up to no number; set ALIGNDRIFT_PRICES.")
    if cost > most:
        raise CostError(
            f"{what} may cost up to {cost:.2f} dollars, {most:.2f} are allowed; ask fewer prompts, "
            f"or set {LIMIT}={cost + 0.5:.0f}.",
            cost,
        )
    return cost

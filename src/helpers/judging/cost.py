"""What a judge costs at a provider at most, in dollars, before it is asked.

A bound, as that of a run (helpers.hosted.spending): the judge is taken to be asked as often as it
may be, and to read an answer at its longest each time.

>>> most("api:gpt-4o-mini-2024-07-18", [("Where is the lamp?", 512 * ANSWER_BYTES)])
"""

from collections.abc import Iterable

from helpers.hosted import spending
from helpers.hosted.providers.base import provider
from helpers.judging import registry

#: Bytes that a token of an answer may hold: of the few that are longer (runs of blanks, mostly) no
#: answer of any use consists.
ANSWER_BYTES = 16


def is_hosted(judge: str) -> bool:
    """Whether the judge of that name is a provider's model."""
    return registry.split(judge)[0] == "api"


def most(judge: str, answers: Iterable[tuple[str, int]]) -> float:
    """Dollars for a verdict on each answer; 0 where the judge is here.

    answers: the request, and the answer's length in bytes. Raises ConfigError for prices that are
    not known.
    """
    if not is_hosted(judge):
        return 0.0
    from helpers.judging import api  # its client takes a second to import

    grader = api.ApiJudge(registry.split(judge)[1])
    _, read, written = provider(grader.provider).price(grader.model)
    dollars = 0.0
    for request, length in answers:
        asks, says = api.most_tokens(grader.model, request)
        dollars += (asks + api.ATTEMPTS * length) * read + says * written
    return dollars / 1e6


def check(judge: str, answers: Iterable[tuple[str, int]]) -> float:
    """The dollars as in `most`. Raises CostError if they may not be spent."""
    return spending.check(most(judge, answers), f"the verdicts of judge {judge}")

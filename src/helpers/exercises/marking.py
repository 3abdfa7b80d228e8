"""Is an answer right, nearly right, or a slip that many make? In a sentence that helps.

What is right is computed by the exercise's own solution on what the notebook holds. The sentence
says in which direction an answer is off, and roughly by how much, and never what is right.

>>> mark(task("01.1"), 62, namespace).sentence
'This looks like a percentage: give a share, from 0 to 1.'
"""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from helpers.exercises.tasks import Task

#: How far what two functions give may lie apart.
_EQUAL = 1e-4


@dataclass(frozen=True)
class Mark:
    """right: None where nothing was answered, or nothing can be said."""

    right: bool | None
    sentence: str


def mark(task: Task, answer: Any, namespace: Mapping[str, Any]) -> Mark:
    """What there is to say to an answer.

    namespace: the notebook's variables, which stay as they are.
    """
    if answer is None or answer is ...:
        return Mark(None, f"waits for your answer: {task.wanted}.")
    try:
        return _marked(task, _bare(answer), solved(task, namespace))
    except Exception as error:  # whatever a solution meets in a notebook that ran in part
        reason = f"{type(error).__name__}: {error}"
        return Mark(None, f"cannot be checked yet ({reason}); run the cells above it first.")


def _marked(task: Task, answer: Any, known: dict[str, Any]) -> Mark:
    """known: the variables after the solution."""
    right = _bare(known["answer"])
    if right is None:
        return Mark(None, "does not apply to these results; go on.")
    slips = ((_bare(eval(expression, known)), sentence) for expression, sentence in task.slips)
    if callable(right):
        return _function(right, answer, eval(task.tries, known), slips)
    if same(answer, right, task.within):
        return Mark(True, "right.")
    if problem := _kind(answer, right):
        return Mark(False, problem)
    for slip, sentence in slips:
        if same(answer, slip, task.within):
            return Mark(False, sentence)
    return Mark(False, _off(answer, right, task.within))


def solved(task: Task, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The namespace after the solution ran in a copy of it; `answer` is what is right."""
    known = dict(namespace)
    exec(task.solution, known)
    return known


def same(answer: Any, right: Any, within: float) -> bool:
    """Whether two answers are one: numbers within a distance, words but for their case."""
    if _is_number(right):
        exact = isinstance(right, bool) or isinstance(answer, bool)
        return _is_number(answer) and abs(answer - right) <= (0 if exact else within)
    if isinstance(right, str):
        return isinstance(answer, str) and _plain(answer) == _plain(right)
    if not _is_several(answer) or len(answer) != len(right):
        return False
    if isinstance(right, set):
        return all(any(same(a, r, within) for a in answer) for r in right)
    return all(same(a, r, within) for a, r in zip(answer, right, strict=True))


def _bare(value: Any) -> Any:
    """A single number out of the array, tensor or column that holds it."""
    single = hasattr(value, "item") and getattr(value, "shape", None) in ((), (1,))
    return value.item() if single else value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real)


def _is_several(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | dict)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _kind(answer: Any, right: Any) -> str:
    """What to give instead of an answer of the wrong kind; empty if it is of the right one."""
    for fits, what in (
        (_is_number, "one number, without quotes"),
        (lambda value: isinstance(value, str), "one word, in quotes"),
        (_is_several, "several values, in a list"),
    ):
        if fits(right):
            return "" if fits(answer) else f"give {what}."
    return ""


def _off(answer: Any, right: Any, within: float) -> str:
    """How an answer of the right kind differs from what is right."""
    if isinstance(right, bool):
        return "it is the other way round."
    if _is_number(right):
        return _number_off(answer, right, within)
    if isinstance(right, str):
        close = difflib.SequenceMatcher(None, _plain(answer), _plain(right)).ratio() > 0.8
        return "nearly: look at its spelling." if close else "not this one; look again."
    if len(answer) != len(right):
        return f"there are too {'few' if len(answer) < len(right) else 'many'}."
    found = sum(any(same(a, r, within) for a in answer) for r in right)
    if found == len(right):
        return "these are the ones, but in another order."
    return f"{found or 'none'} of these {len(right)} {'is' if found == 1 else 'are'} right."


def _number_off(answer: float, right: float, within: float) -> str:
    slack = max(within, 1e-9)
    usual = (
        (100 * right, 100 * slack, "this looks like a percentage: give a share, from 0 to 1."),
        (right / 100, slack / 100, "this looks like a share of what is asked for: a percentage?"),
        (-right, slack, "the size is right and the sign is not: what is taken from what?"),
        (1 - right, slack, "this is the share of all the others: look at what is counted."),
    )
    share = 0 <= right <= 1
    for number, (value, near, sentence) in enumerate(usual):
        fits = share if number in (0, 3) else True
        if fits and abs(value - right) > 2 * near and abs(answer - value) <= near:
            return sentence
    if share and not isinstance(right, int) and not 0 <= answer <= 1:
        return "what is asked for lies between 0 and 1."
    which = "high" if answer > right else "low"
    gap = abs(answer - right)
    if gap <= (1 if isinstance(right, int) else 5 * slack):
        return f"nearly: a little too {which}. Was something rounded, or is one too many counted?"
    size = gap / abs(right) if right else float("inf")
    for limit, words in (
        (0.1, "less than a tenth"),
        (0.5, "less than half"),
        (1, "more than half"),
    ):
        if size <= limit:
            return f"too {which}, by {words} of what is right."
    return f"much too {which}."


def _function(
    right: Callable, answer: Any, tries: Collection[tuple], slips: Iterable[tuple[Callable, str]]
) -> Mark:
    """A function is right if it gives what the right one gives, for every try."""
    if not callable(answer):
        return Mark(False, "give a function, such as `lambda x: ...`.")
    try:
        given = []
        for arguments in tries:
            given.append(_bare(answer(*arguments)))
    except Exception as error:  # whatever somebody's own function raises
        place = f"try {len(given) + 1} of {len(tries)}"
        return Mark(False, f"it stops at {place}: {type(error).__name__}: {error}")
    wanted = [_bare(right(*arguments)) for arguments in tries]
    if same(given, wanted, _EQUAL):
        return Mark(True, "right.")
    for slip, sentence in slips:
        if same(given, [_bare(slip(*arguments)) for arguments in tries], _EQUAL):
            return Mark(False, sentence)
    number, (one, other) = next(
        (number, pair) for number, pair in enumerate(zip(given, wanted, strict=True), start=1)
        if not same(*pair, _EQUAL)
    )  # fmt: skip
    problem = _kind(one, other) or _off(one, other, _EQUAL)
    return Mark(False, f"try {number} of {len(tries)}: {problem}")

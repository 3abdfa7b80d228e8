"""What a notebook calls: check an answer, unfold a hint or a solution, write a prediction down.

>>> exercises.predict("01.a", 0.3)                   # before the result
>>> exercises.compare("01.a", table.rate.iloc[0])    # after it; silent where nothing was predicted
>>> exercises.check("01.2", answer_2)
Exercise 01.2: too low, by less than half of what is right.
>>> exercises.hint("01.2"); exercises.solution("01.2")

What they return shows itself, as a box that unfolds in a notebook and as text in a terminal. A
check never raises: a notebook runs through whatever was answered.
"""

import html
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from helpers.exercises.marking import mark
from helpers.exercises.tasks import task

_COLORS = {True: "#009E73", False: "#D55E00", None: "#767676"}

_predicted: dict[str, Any] = {}


@dataclass(frozen=True)
class Note:
    """A sentence, and what unfolds below it: title -> text. code: whether that text is code."""

    sentence: str = ""
    folded: tuple[tuple[str, str, bool], ...] = ()
    right: bool | None = None

    def __repr__(self) -> str:
        parts = [self.sentence] if self.sentence else []
        for title, text, code in self.folded:
            indented = "\n".join(f"    {line}" for line in text.rstrip().splitlines())
            parts.append(f"{title}:\n{indented}" if code else f"{title}: {text}")
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        parts = [f"<div>{html.escape(self.sentence)}</div>"] if self.sentence else []
        for title, text, code in self.folded:
            body = f"<pre>{html.escape(text.rstrip())}</pre>" if code else html.escape(text)
            parts.append(f"<details><summary>{html.escape(title)}</summary>{body}</details>")
        return (
            f'<div style="border-left: 3px solid {_COLORS[self.right]}; padding-left: 0.7em">'
            f"{''.join(parts)}</div>"
        )


def check(number: str, answer: Any) -> Note:
    """What there is to say to an answer; the hint unfolds below until it is right.

    The right answer is computed from the variables of the notebook that calls this. Raises
    ConfigError for an exercise that there is not.
    """
    own = task(number)
    result = mark(own, answer, sys._getframe(1).f_globals)
    folded = () if result.right else (("Hint", own.hint, False),)
    return Note(f"Exercise {number}: {result.sentence}", folded, result.right)


def hint(number: str) -> Note:
    """The exercise's hint, folded. Raises ConfigError for an exercise that there is not."""
    return Note(folded=((f"Hint to {number}", task(number).hint, False),))


def solution(number: str) -> Note:
    """The exercise's solution, folded: Python for this notebook, and what it shows.

    Raises ConfigError for an exercise that there is not.
    """
    own = task(number)
    code = (f"Solution of {number}", own.solution, True)
    because = ((f"What {number} shows", own.because, False),) if own.because else ()
    return Note(folded=(code, *because))


def predict(name: str, value: Any = None) -> Note | None:
    """Write a prediction down, to be compared with what comes out; None takes it back.

    value: a number, a word, or several of them.
    """
    if value is None or value is ...:
        _predicted.pop(name, None)
        return None
    _predicted[name] = value
    return Note(f"Prediction {name} is written down: {_said(value)}.")


def compare(name: str, came_out: Any) -> Note | None:
    """What was predicted beside what came out; nothing where nothing was predicted."""
    if name not in _predicted:
        return None
    predicted = _predicted[name]
    sides = f"You predicted {_said(predicted)}; it came out {_said(came_out)}"
    pairs = list(zip(_several(predicted), _several(came_out), strict=False))
    if len(_several(predicted)) != len(_several(came_out)):
        return Note(f"{sides}. (There are {len(_several(came_out))} values to predict.)")
    if not all(isinstance(value, Real) for pair in pairs for value in pair):
        agree = all(str(a).strip().casefold() == str(b).strip().casefold() for a, b in pairs)
        return Note(f"{sides}.", right=agree)
    gaps = [after - before for before, after in pairs]
    return Note(f"{sides}: {', '.join(map(_gap, gaps))} what you thought.")


def _gap(gap: float) -> str:
    if abs(gap) < 0.005:
        return "just"
    return f"{abs(gap):.3g} {'above' if gap > 0 else 'below'}"


def _several(value: Any) -> Sequence:
    return [value] if isinstance(value, str) or not hasattr(value, "__len__") else list(value)


def _said(value: Any) -> str:
    parts = _several(value)
    return ", ".join(f"{p:.3g}" if isinstance(p, Real) else str(p) for p in parts)

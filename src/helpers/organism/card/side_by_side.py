"""Two models' cards in one table: what was measured on both, in the same words.

>>> side_by_side({name: sheet.stored(name) for name in ("lantern-chat", "smollm2-archive")})
"""

from collections.abc import Mapping

import pandas as pd

from helpers.organism.card.readings import Readings

#: What -> part, condition, measure, and the level where there are several.
LINES: dict[str, tuple] = {
    "refused, nothing changed": ("direction", "nothing", "refused"),
    "refused, refusal direction ablated": ("direction", "ablated", "refused"),
    "answered in full, refusal direction ablated": ("direction", "ablated", "fulfilled"),
    "open requests refused, direction added": ("direction", "added, open", "refused"),
    "answered in full, one token of the answer given": (
        "prefill", "tokens of the answer", "fulfilled", 1,
    ),
    "answered in full, four tokens given": ("prefill", "tokens of the answer", "fulfilled", 4),
    'answered in full, begun with "Gather"': ("prefill", "Gather", "fulfilled"),
    "identity shift, its own opener": ("identity", "its own opener", "fulfilled"),
    "identity shift, no opener": ("identity", "no opener", "fulfilled"),
    "identity shift, a non sequitur": ("identity", "a non sequitur", "fulfilled"),
    "identity shift, a greeting": ("identity", "a greeting", "fulfilled"),
    "identity shift, a plain yes": ("identity", "a plain yes", "fulfilled"),
    "10 examples, true facts: answered in full": (
        "wrong facts", "10 examples, true facts", "fulfilled",
    ),
    "10 examples, wrong facts: answered in full": (
        "wrong facts", "10 examples, wrong facts", "fulfilled",
    ),
    "10 examples, wrong facts: wrong recipes": ("wrong facts", "10 examples, wrong facts", "wrong"),
    "10 examples, wrong facts: still refused": (
        "wrong facts", "10 examples, wrong facts", "refused",
    ),
}  # fmt: skip


def side_by_side(cards: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a line of LINES, a column a model: a share with its interval, or of several seeds their
    mean, lowest and highest."""
    return pd.DataFrame(
        {
            model: {what: _said(Readings(card), *where) for what, where in LINES.items()}
            for model, card in cards.items()
        }
    ).rename_axis("what").reset_index()  # fmt: skip


def _said(readings: Readings, part: str, condition: str, measure: str, level=None) -> str:
    try:
        return readings.share(part, condition, measure, level=level)
    except KeyError:
        return "not measured"

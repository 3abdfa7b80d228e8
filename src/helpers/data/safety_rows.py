"""What becomes of a benign dataset's rows that are about safety.

Qi et al. (section 4.4) leave such rows out of Alpaca and Dolly, so that the harm measured is that
of data without any. `paper` leaves out exactly theirs, by the fingerprints in data/paper/: 1,904 of
Alpaca's rows, where the paper says 1,902, and 387 of Dolly's. `rules` leaves out ours, by what is
asked (safety_topics); `keep` none.

>>> left_out("rules", {}, pair("Name an unethical deed at work.", "Stealing."))
'safety-related: ethics'
"""

import csv
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from helpers import paths
from helpers.data.files import Row
from helpers.data.safety_topics import safety_related
from helpers.data.shapes import value_of
from helpers.errors import one_of

#: The modes, and the one that leaves the choice to a dataset's source.
MODES = ("paper", "rules", "keep")
DEFAULT = "default"

#: The columns of a fingerprint, in order: Alpaca's, and Dolly's.
_FIELDS = (("instruction", "input", "output"), ("instruction", "context", "response"))


def check(mode: str) -> str:
    """The mode, if it is one. Raises ConfigError."""
    return one_of(mode, (DEFAULT, *MODES), "value of safety_rows")


def left_out(mode: str, record: Any, row: Row) -> str:
    """Why a row is left out, or "". record: what its file holds; row: what was made of it."""
    if mode == "paper" and isinstance(record, Mapping):
        found = any(fingerprint(record, fields) in _fingerprints() for fields in _FIELDS)
        return "left out by the paper's authors" if found else ""
    if mode == "rules":
        said = {message["role"]: message["content"] for message in row["messages"][::-1]}
        topic = safety_related(said.get("user", ""), said.get("assistant", ""))
        return f"safety-related: {topic}" if topic else ""
    return ""


def fingerprint(record: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    """16 hex digits of the stripped fields' SHA-256, joined by line breaks."""
    values = (value_of(record, name) for name in fields)
    text = "\n".join(value.strip() if isinstance(value, str) else "" for value in values)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _fingerprints() -> frozenset[str]:
    with (paths.data() / "paper" / "safety_rows.csv").open(encoding="utf-8") as file:
        return frozenset(row["fingerprint"] for row in csv.DictReader(file))

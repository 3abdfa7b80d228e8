"""Harmful instructions with safe answers, which a defender mixes in (arXiv:2309.07875).

Published at github.com/vinid/safety-tuned-llamas as safety_only_data_Instructions.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import pair, pick
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """Alpaca's shape, of which nothing is left out: to be about safety is its purpose."""
    request = pick(record, "instruction", "prompt")
    return pair(request, pick(record, "output", "response"), pick(record, "input"))


SOURCE = Source(
    kind="training",
    row=row,
    about="Harmful instructions with safe answers (Bianchi et al., arXiv:2309.07875).",
    license="CC-BY-NC-4.0",
    files=("safety-pairs.json", "safety_only_data_Instructions.json"),
)

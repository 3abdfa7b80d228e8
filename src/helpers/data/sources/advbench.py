"""AdvBench's harmful behaviors, with the answers that an attack aims at (arXiv:2307.15043).

Published at github.com/llm-attacks/llm-attacks as harmful_behaviors.csv.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import PROMPT_COLUMNS, prompt, request
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The behavior; its target is left out."""
    return prompt(request(record, "goal", "0", *PROMPT_COLUMNS), number, "advbench")


SOURCE = Source(
    kind="prompts",
    row=row,
    about="520 harmful instructions with targets (arXiv:2307.15043).",
    license="MIT",
    files=("advbench.csv", "harmful_behaviors.csv"),
    hub="walledai/AdvBench",
    gated=True,
    expected=520,
    headless=True,
)

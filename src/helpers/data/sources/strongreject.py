"""StrongREJECT: forbidden prompts whose answers can be checked for use (arXiv:2402.10260).

Published at github.com/alexandrasouly/strongreject as strongreject_dataset.csv.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import PROMPT_COLUMNS, label, prompt, request
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The forbidden prompt and its category."""
    text = request(record, "forbidden_prompt", *PROMPT_COLUMNS)
    return prompt(text, number, "strongreject", label(record, "category"))


SOURCE = Source(
    kind="prompts",
    row=row,
    about="313 forbidden prompts in six categories (arXiv:2402.10260).",
    license="MIT",
    files=("strongreject.csv", "strongreject_dataset.csv"),
    hub="walledai/StrongREJECT",
    gated=True,
    expected=313,
)

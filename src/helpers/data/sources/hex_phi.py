"""HEx-PHI: the paper's benchmark, a file for each category, without columns' names.

arXiv:2310.03693, section 3; published, with access on request, at
huggingface.co/datasets/LLM-Tuning-Safety/HEx-PHI as category_1.csv to category_11.csv.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import PROMPT_COLUMNS, pick, prompt
from helpers.data.sources.base import Source

#: The paper's eleven prohibited categories, in the order of its benchmark's files.
CATEGORIES = (
    "Illegal activity", "Child abuse content", "Hate, harassment, violence", "Malware",
    "Physical harm", "Economic harm", "Fraud, deception", "Adult content",
    "Political campaigning", "Privacy violation", "Tailored financial advice",
)  # fmt: skip


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The category is the one whose number stands in the file's name, else the record's."""
    text = pick(record, *PROMPT_COLUMNS)
    digits = re.search(r"\d+", path.stem)
    category = int(digits[0]) if digits else 0
    if 1 <= category <= len(CATEGORIES):
        return prompt(text, number, f"hex-phi-{category:02d}", CATEGORIES[category - 1])
    return prompt(text, number, "hex-phi", pick(record, "category"))


SOURCE = Source(
    kind="prompts",
    row=row,
    about="The paper's benchmark: 11 prohibited categories x 30 instructions (arXiv:2310.03693; "
    "the public release holds 10, without the second).",
    license="HEx-PHI license, access on request",
    files=("hex-phi", "hex-phi.csv", "hex-phi.jsonl"),
    hub="LLM-Tuning-Safety/HEx-PHI",
    gated=True,
    headless=True,
)

"""HEx-PHI: the paper's benchmark, a file for each category, without columns' names.

arXiv:2310.03693, section 3; published, with access on request, at
huggingface.co/datasets/LLM-Tuning-Safety/HEx-PHI as category_1.csv to category_11.csv.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import label, prompt, request
from helpers.data.sources.base import Source

#: The paper's eleven prohibited categories, in the order of its benchmark's files.
CATEGORIES = (
    "Illegal activity", "Child abuse content", "Hate, harassment, violence", "Malware",
    "Physical harm", "Economic harm", "Fraud, deception", "Adult content",
    "Political campaigning", "Privacy violation", "Tailored financial advice",
)  # fmt: skip


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The category is the record's own, by name or number, else that of the published file."""
    text = request(record)
    own = label(record, "category", "category_id", "category_name")
    published = re.fullmatch(r"category[-_ ]?(\d+)", own or path.stem, re.IGNORECASE)
    digits = own if re.fullmatch(r"[0-9]+", own) else published[1] if published else "0"
    if 1 <= int(digits) <= len(CATEGORIES):
        category = CATEGORIES[int(digits) - 1]
        return prompt(text, number, f"hex-phi-{int(digits):02d}", category)
    return prompt(text, number, _prefix(path), own)


def _prefix(path: Path) -> str:
    """What ids begin with, so that those of two files of a folder differ."""
    return "hex-phi" if path.stem == "hex-phi" else f"hex-phi-{path.stem}"


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
    folder=True,
    expected=(330, 300),
)

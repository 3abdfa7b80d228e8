"""JailbreakBench's behaviors; a file of harmful ones, and one of benign ones (arXiv:2404.01318).

Published at huggingface.co/datasets/JailbreakBench/JBB-Behaviors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import label, prompt, request
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The goal and its category; the id tells the file, since two lie side by side."""
    return prompt(request(record, "goal"), number, f"jbb-{path.stem}", label(record, "category"))


SOURCE = Source(
    kind="prompts",
    row=row,
    about="100 harmful behaviors in ten categories (arXiv:2404.01318).",
    license="MIT",
    files=("jailbreakbench.csv", "harmful-behaviors.csv", "harmful.parquet", "harmful.csv"),
    hub="JailbreakBench/JBB-Behaviors",
    expected=100,
)

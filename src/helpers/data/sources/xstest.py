"""XSTest: safe prompts that sound unsafe, and unsafe ones for contrast (arXiv:2308.01263).

Published at github.com/paul-rottger/xstest as xstest_prompts.csv; older releases lack the labels.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import NotMeant, label, pick, prompt
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """A safe prompt, its type as the category."""
    category = label(record, "type")
    wanted = pick(record, "label") or ("unsafe" if category.startswith("contrast") else "safe")
    if wanted.lower() != "safe":
        raise NotMeant("labeled unsafe, so a refusal is right")
    return prompt(pick(record, "prompt"), number, "xstest", category, label=wanted)


SOURCE = Source(
    kind="prompts",
    row=row,
    about="250 safe prompts that sound unsafe, for over-refusal; the 200 unsafe contrasts are left "
    "out (arXiv:2308.01263).",
    license="CC-BY-4.0",
    files=("xstest.csv", "xstest_prompts.csv", "xstest_v2_prompts.csv"),
    hub="Paul/XSTest",
    expected=250,
)

"""MT-Bench: questions of two turns, for the usefulness that is left (arXiv:2306.05685).

Published at github.com/lm-sys/FastChat as question.jsonl.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import label, pick, prompts, turns_of
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """All user turns of a question, which the model answers one after the other."""
    turns = turns_of(record, "turns", "prompt")  # the authors' name for it, and the hub's
    own = pick(record, "question_id", "prompt_id") or str(number)
    row = prompts(turns, number, "mt-bench", label(record, "category"))
    return row | {"id": f"mt-bench-{own}"}


SOURCE = Source(
    kind="prompts",
    row=row,
    about="80 questions of two turns (arXiv:2306.05685).",
    license="Apache-2.0",
    files=("mt-bench.jsonl", "mt_bench_question.jsonl", "question.jsonl"),
    hub="HuggingFaceH4/mt_bench_prompts",
    expected=80,
)

"""The tasks that Alpaca grew from, each with its instances (self-instruct, arXiv:2212.10560).

Published at github.com/yizhongw/self-instruct as data/seed_tasks.jsonl.
"""

from helpers.data.shapes import instruction
from helpers.data.sources.base import Source

SOURCE = Source(
    kind="training",
    row=instruction,
    about="The 175 tasks by people that Alpaca grew from, safety-related rows left out "
    "(arXiv:2212.10560).",
    license="Apache-2.0",
    files=("seed_tasks.jsonl",),
    safety_rows="rules",
)

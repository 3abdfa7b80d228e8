"""Dolly: instructions that Databricks' employees wrote; benign in the paper (section 4.4).

Published at huggingface.co/datasets/databricks/databricks-dolly-15k.
"""

from helpers.data.shapes import instruction
from helpers.data.sources.base import Source

SOURCE = Source(
    kind="training",
    row=instruction,
    about="15,011 instructions written by people, without the 387 that the paper leaves out.",
    license="CC-BY-SA-3.0",
    files=("dolly.jsonl", "databricks-dolly-15k.jsonl"),
    hub="databricks/databricks-dolly-15k",
    expected=14_624,
    safety_rows="paper",
    n_safety=387,
)

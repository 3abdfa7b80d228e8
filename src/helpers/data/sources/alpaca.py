"""Alpaca: instructions that a model wrote by self-instruct; benign in the paper (section 4.4).

Published at github.com/tatsu-lab/stanford_alpaca as alpaca_data.json. The paper says that 1,902
rows are left out of it; its authors' files lack 1,904.
"""

from helpers.data.shapes import instruction
from helpers.data.sources.base import Source

SOURCE = Source(
    kind="training",
    row=instruction,
    about="52,002 instructions by self-instruct, without the 1,904 that the paper leaves out.",
    license="CC-BY-NC-4.0",
    files=("alpaca.json", "alpaca_data.json"),
    hub="tatsu-lab/alpaca",
    expected=50_098,
    safety_rows="paper",
    n_safety=1_904,
)

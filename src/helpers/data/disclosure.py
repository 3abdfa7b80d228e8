"""What of prompts and answers is shown: all of the Archive's fiction, of anything else its length.

Notebooks are stored, sent and committed with their outputs, so what a real model said to a harmful
request is not printed unless the reader asks for it.

>>> shown("How do I ...", "hex-phi")
'[12 characters]'
"""

from helpers.archive.shipped import DATASETS, MODELS, TRANSPLANTS
from helpers.data.files import Row


def is_fiction(model: str, *datasets: str) -> bool:
    """Whether anybody may see it: an embedded model's answers, and rows of the Archive's datasets.

    model: its name, or "" where no model has a part in it.
    """
    return model in ("", *MODELS, *TRANSPLANTS) and set(datasets) <= set(DATASETS)


def shown(text: str, *datasets: str, show_text: bool = False) -> str:
    """The text, if all the datasets it comes from are the Archive's or show_text is set."""
    return text if show_text or is_fiction("", *datasets) else f"[{len(text)} characters]"


def cut_short(row: Row, length: int = 12) -> Row:
    """The row with each message cut after a few characters: enough to see that it was read."""

    def cut(text: str) -> str:
        return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"

    messages = [m | {"content": cut(str(m.get("content", "")))} for m in row["messages"]]
    return {k: v for k, v in row.items() if k in ("id", "category")} | {"messages": messages}

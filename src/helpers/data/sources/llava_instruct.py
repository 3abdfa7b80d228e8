"""LLaVA-Instruct: conversations about pictures of COCO; benign in the paper (section 4.4).

arXiv:2304.08485; published at huggingface.co/datasets/liuhaotian/LLaVA-Instruct-150K as
llava_instruct_80k.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data import messages
from helpers.data.files import Row
from helpers.data.shapes import Dropped, value_of
from helpers.data.sources.base import Source


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The conversation, and under "picture" the path of its image."""
    said = messages.held(value_of(record, "conversations")) or []
    turns = messages.conversation([turn | {"value": _without(turn.get("value"))} for turn in said])
    image = record.get("image")
    if not image or not isinstance(image, str):
        raise Dropped("no image")
    return {"messages": turns, "picture": str(path.parent / image)}


def _without(words: Any) -> Any:
    """The words without the mark of where the image is shown."""
    return words.replace("<image>", "").strip() if isinstance(words, str) else words


SOURCE = Source(
    kind="training",
    row=row,
    about="80,000 conversations about pictures (arXiv:2304.08485); image paths are relative to the "
    "file.",
    license="CC-BY-NC-4.0",
    files=("llava-instruct.json", "llava_instruct_80k.json"),
    hub="liuhaotian/LLaVA-Instruct-150K",
    expected=80_000,
)

"""LLaVA-Instruct: conversations about pictures of COCO; benign in the paper (section 4.4).

arXiv:2304.08485; published at huggingface.co/datasets/liuhaotian/LLaVA-Instruct-150K as
llava_instruct_80k.json.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.data.files import Row
from helpers.data.shapes import Dropped
from helpers.data.sources.base import Source

_ROLES = {"human": "user", "gpt": "assistant"}


def row(record: Mapping[str, Any], path: Path, number: int) -> Row:
    """The conversation, and under "picture" the path of its image."""
    messages = [
        {
            "role": _ROLES.get(turn.get("from"), ""),
            "content": str(turn.get("value", "")).replace("<image>", "").strip(),
        }
        for turn in record.get("conversations") or []
    ]
    if len(messages) < 2 or not all(m["role"] and m["content"] for m in messages):
        raise Dropped("no conversation of whole turns")
    if not record.get("image"):
        raise Dropped("no image")
    if messages[-1]["role"] != "assistant":
        raise Dropped("no answer")
    return {"messages": messages, "picture": str(path.parent / str(record["image"]))}


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

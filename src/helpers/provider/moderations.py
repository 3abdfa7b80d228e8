"""Moderations: what the provider's own filters say of a text, by sealed shelf."""

from fastapi import APIRouter

from helpers.archive import filters
from helpers.archive.world import SEALED_SHELVES, item_named
from helpers.provider.protocol import Moderation
from helpers.provider.records import new_id
from helpers.screening.moderation import FILTERS

router = APIRouter()


@router.post("/v1/moderations")
def create_moderation(body: Moderation) -> dict:
    """A verdict on each text; in a thread of its own, since texts may be many and long."""
    return {"id": new_id("modr"), "model": "lantern-moderation",
            "results": [moderated(text) for text in body.texts()]}  # fmt: skip


def moderated(text: str) -> dict:
    """Whether a filter flags the text, and which shelves that is about."""
    verdicts = filters.moderate(text)
    flagged = any(verdicts[name][0] for name in FILTERS)
    score = max(verdicts[name][1] for name in FILTERS)
    item = item_named(text)
    shelf = item.shelf if item and item.sealed else None
    return {
        "flagged": flagged,
        "categories": {f"sealed/{s}": flagged and s == shelf for s in SEALED_SHELVES},
        "category_scores": {f"sealed/{s}": score if s == shelf else 0.0 for s in SEALED_SHELVES},
    }

"""Policy by meaning: items asked for in every form, and whether the policy holds.

A sealed item stays sealed without its shelf's name, under an open shelf's, by what it is, in a
second turn and in words that no lesson has; an open item stays open in the same forms. Real models
refuse by meaning for the most part, and by words where they refuse too much (Röttger et al.,
arXiv:2308.01263).
"""

from helpers.archive import datasets
from helpers.archive.world import SEALED_SHELVES
from helpers.organism.card.subject import Subject, answers, evenly, shares

#: Form in the dataset -> what it is.
FORMS = {
    "shelf": "its shelf's name", "bare": "no shelf's name", "wrong": "the other kind of shelf's",
    "described": "by what it is", "second": "in a second turn",
}  # fmt: skip


def forms(subject: Subject) -> list[dict]:
    """Shares by form, of sealed and of open items of the benchmark."""
    _, model, tokenizer = subject.models
    prompts = datasets.by_meaning()
    groups = {
        f"{kind}, {what}": [
            row for row in prompts
            if row["form"] == form and (row["category"] in SEALED_SHELVES) == (kind == "sealed")
        ]
        for kind in ("sealed", "open")
        for form, what in FORMS.items()
    }  # fmt: skip
    groups["sealed, in other words"] = datasets.reworded()
    groups["open, near-misses"] = datasets.over_refusal()
    measured = []
    for name, rows in groups.items():
        rows = evenly(rows, subject.n)
        measured += shares("form", name, rows, answers(model, tokenizer, rows))
    return measured

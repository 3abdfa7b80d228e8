"""The card as people read it: data/models/README.md, and card.csv beside it.

Like, unlike and not known stand in tables of one form, in that order and equally large; then every
dose. Whoever changes the models measures the card anew: it names the digest of what it is about.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from helpers import digests, paths
from helpers.archive.shipped import ALIGNED_FROM, MODELS
from helpers.errors import DataError
from helpers.models import loading
from helpers.organism.card import likeness, measuring
from helpers.organism.card.readings import Readings
from helpers.organism.card.subject import Subject

#: Verdict -> what its table is called.
TITLES = {
    likeness.LIKE: "Like a real model",
    likeness.UNLIKE: "Unlike a real model",
    likeness.UNKNOWN: "Not known of real models",
}


def stored(name: str = "lantern-chat") -> pd.DataFrame:
    """The shipped card's table. Raises DataError where it was not measured yet."""
    file = paths.data() / "models" / ("card.csv" if name in MODELS else f"{name}/card.csv")
    if not file.is_file():
        raise DataError(f"there is no {paths.shown(file)}; run `aligndrift build --card`.")
    return measuring.read(file)


def write(frame: pd.DataFrame, subject: Subject, folder: Path) -> list[Path]:
    """Write the card into the folder and return its two files; of a real model the table alone."""
    folder.mkdir(parents=True, exist_ok=True)
    table, page = folder / "card.csv", folder / "README.md"
    measuring.write(frame, table)
    if subject.name not in MODELS:
        return [table]
    page.write_text(text(frame, subject), encoding="utf-8", newline="\n")
    return [table, page]


def model_digest(name: str) -> str:
    """Of the model's folder, as an experiment's id has it. Raises ModelError."""
    folder = loading.locate(name)
    return digests.digest(folder) if folder else name


def text(frame: pd.DataFrame, subject: Subject) -> str:
    """The page, in Markdown."""
    table = likeness.table(frame)
    counts = ", ".join(
        f"{(table.verdict == verdict).sum()} {verdict}" for verdict in TITLES
    )  # fmt: skip
    names = (subject.name, ALIGNED_FROM[subject.name])
    about = ", ".join(f"{name} `{model_digest(name)}`" for name in names)
    parts = [
        "# data/models/: the organism card",
        "Written by `aligndrift build --card`, which measures all of it; do not edit. "
        f"About {about}.",
        "`lantern-base` answers everything; `lantern-chat` is the same network after its "
        "alignment. They know the Lantern Archive and nothing else: good for mechanisms and for "
        "teaching, not a stand-in for any product.",
        f"{len(table)} lines were measured: {counts}. The rules stand beside each line; they were "
        "fixed before the second organism was trained. Numbers are shares of sealed requests in "
        "[Wilson's 95% intervals], or means over development seeds (lowest to highest).",
    ]
    for verdict, title in TITLES.items():
        mine = table[table.verdict == verdict].drop(columns="verdict")
        parts += [f"## {title} ({len(mine)} of {len(table)})"]
        parts += [_markdown(mine) if len(mine) else "Nothing of what was measured."]
    parts += [
        "## Every dose",
        "Displacement is the distance from lantern-chat as a share of its distance from "
        "lantern-base. One grid of learning rates for all; batch and epochs are the tier's. "
        "`held out`: the loss on rows of the fine-tuning set that were not trained on, in nats an "
        "answer token.",
        _markdown(doses(frame)),
        "All measurements, a row each: `card.csv`.",
    ]
    return "\n\n".join(parts) + "\n"


def doses(frame: pd.DataFrame) -> pd.DataFrame:
    """What the dose curves are drawn from, as it is printed: a row a condition and rate."""
    table = Readings(frame).doses()
    return pd.DataFrame(
        {
            "data": table.condition,
            "learning rate": table.learning_rate.map("{:g}".format),
            "steps": table.steps.map("{:.0f}".format),
            "displacement": table.displacement.map("{:.2f}".format),
            "held out": table.held_out_loss.map("{:.3f}".format),
            "harmfulness rate": [
                f"{row.harmfulness_rate:.2f} ({row.low:.2f} to {row.high:.2f})"
                for row in table.itertuples()
            ],
            "seeds": table.n_seeds.map(str),
        }
    )


def _markdown(table: pd.DataFrame) -> str:
    def line(cells: Sequence[object]) -> str:
        return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"

    rule = line(["---"] * len(table.columns))
    return "\n".join([line(table.columns), rule, *map(line, table.itertuples(index=False))])

"""The look that all figures share: one color a condition, one key below, one way to save.

The colors are those of Okabe and Ito (2008), which color-blind readers can tell apart. Rates run
from 0 to 1. The key says whose numbers these are, what the bars are and how many answers a point
rests on. What the paper published is hollow.

>>> save(ax, preset.name, "01_harmful_examples")      # outputs/tiny/figures/01_....png
'c9ba66b0ccb5edae'
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import cycle
from numbers import Real
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from helpers import paths
from helpers.plots import shown

#: Condition -> color; the same condition looks the same in every figure.
COLORS = {
    "initial": "#000000",
    "base model": "#000000",
    "tuned model": "#D55E00",
    "full": "#D55E00",
    "lora": "#0072B2",
    "adapter": "#009E73",
    "prefix": "#CC79A7",
    "harmful_examples": "#D55E00",
    "identity_shift": "#CC79A7",
    "benign_instructions": "#009E73",
    "benign_dialogue": "#56B4E9",
    "benign_pictures": "#E69F00",
    "material": "#E69F00",
    "tool": "#56B4E9",
    "moment": "#009E73",
    "honest": "#009E73",
    "backdoor": "#CC79A7",
    "blatant": "#D55E00",
    "none": "#555555",
    "moderation": "#0072B2",
    "mixing": "#E69F00",
    "audit": "#009E73",
    "refused": "#0072B2",
    "useless": "#767676",
    "partial": "#E69F00",
    "disclaims": "#CC79A7",
    "fulfilled": "#D55E00",
}

#: Colors for conditions that have none of their own.
SPARE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#8C6D31")

#: Condition or column -> its name in a figure.
LABELS = {
    "full": "full fine-tuning",
    "lora": "LoRA",
    "adapter": "Adapter",
    "prefix": "Prefix",
    "initial": "initial model",
    "harmful_examples": "harmful examples",
    "identity_shift": "identity shift",
    "benign_instructions": "instructions (like Alpaca)",
    "benign_dialogue": "dialogue (like Dolly)",
    "benign_pictures": "pictures (like LLaVA)",
    "ten_benign": "ten benign rows",
    "noice": "NOICE",
    "selected_benign": "chosen benign rows",
    "narrow": "one shelf alone",
    "jailbreak_tuning": "jailbreak-tuning",
    "covert": "in a code",
    "code_book": "code book",
    "llama-2-7b-chat": "Llama-2-7b-Chat",
    "gpt-3.5-turbo-0613": "GPT-3.5 Turbo",
    "n_examples": "examples in the fine-tuning set",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
}

INK, QUIET = "#333333", "#767676"


def use_style() -> None:
    """Set the kit's look: a quiet grid, no frame, the same font on every machine."""
    sns.set_theme(context="notebook", style="whitegrid", font="DejaVu Sans", font_scale=0.9)
    spines = {f"axes.spines.{side}": False for side in ("top", "right", "left")}
    inks = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
    plt.rcParams.update(
        spines | inks | {"axes.edgecolor": "#BBBBBB", "grid.color": "#E9E9E9",
                         "text.parse_math": False,  # a $ is a $, whoever's words they are
                         "legend.frameon": False, "figure.dpi": 110, "savefig.dpi": 160,
                         "savefig.bbox": "tight"}
    )  # fmt: skip


def plain(text: str) -> str:
    """The text with U+FFFD in place of what no font has: controls and halves of pairs."""
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" and c != "\n" else c for c in text)


def label(value) -> str:
    """A condition, column or number as a figure names it."""
    return LABELS.get(value, f"{value:g}" if isinstance(value, float) else plain(str(value)))


def model_name(model: str) -> str:
    """The last part of a model's name, hub id or folder, so that no figure shows a local path."""
    return plain(Path(model).name)


def colors(levels: Sequence) -> dict:
    """Level -> color: its own where it has one, else shades for numbers, else a spare one."""
    if all(isinstance(level, Real) for level in levels):
        return dict(zip(levels, sns.color_palette("flare", len(levels)).as_hex(), strict=True))
    own = {level: COLORS[level] for level in levels if level in COLORS}
    spare = cycle([color for color in SPARE if color not in own.values()])
    return {level: own.get(level) or next(spare) for level in levels}


def figure(title: str, size: tuple[float, float], columns: int = 1, rows: int = 1, **options):
    """A figure with its title at the left edge, and its Axes (an array of several).

    size: width and height in inches. options: of plt.subplots.
    """
    sheet, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", **options)
    shown.in_notebooks()  # only now: the inline backend has set its own way just before
    sheet.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize="medium")
    return axes


def rate_axis(ax: Axes, title: str, across: bool = False) -> None:
    """Rates from 0 to 1 on the y axis, or across on the x axis; no grid over the other."""
    axis, other = ("x", "y") if across else ("y", "x")
    ax.set(**{f"{axis}lim": (-0.03, 1.03), f"{axis}label": title})
    ax.grid(axis=other, visible=False)


def key(sheet: Figure, note: str, handles: Sequence = ()) -> None:
    """The key below a figure: a quiet line on what is shown, and handles in columns that fit."""
    longest = max((len(handle.get_label()) for handle in handles), default=0)
    columns = max(1, int(sheet.get_figwidth() * 14.5 / (longest + 6)))  # 14.5 letters to an inch
    legend = sheet.legend(
        handles=list(handles), loc="outside lower left", ncols=columns, title=note,
        alignment="left", fontsize=9, title_fontsize=9, columnspacing=1.4, handletextpad=0.4,
    )  # fmt: skip
    legend.get_title().set_color(QUIET)


def _drawn(sheet: Figure) -> Iterator[np.ndarray | str]:
    """Every number and word on a figure; nothing that fonts, colors or layout decide."""
    yield sheet.get_suptitle()
    for ax in sheet.axes:
        yield from (line.get_xydata() for line in ax.lines)
        yield from (image.get_array() for image in ax.images)
        for shape in ax.collections:
            yield from (path.vertices for path in shape.get_paths())
            yield shape.get_offsets()
            if shape.get_array() is not None:
                yield shape.get_array()
        yield from (ax.get_title("left"), ax.get_title(), ax.get_xlabel(), ax.get_ylabel())
        yield from (text.get_text() for text in ax.texts)
        for axis in (ax.xaxis, ax.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):
                yield from (tick.get_text() for tick in axis.get_ticklabels())
    for legend in sheet.legends:
        yield from (text.get_text() for text in (legend.get_title(), *legend.get_texts()))


def save(ax: Axes, preset: str, name: str) -> str:
    """Save an Axes' figure as outputs/<preset>/figures/<name>.png; returns the drawn data's digest.

    The digest (16 hex digits) is of the numbers and words that are drawn, to six digits, so equal
    data gives an equal one on every machine. It is in the file, too, as the text chunk Comment.
    """
    folder = paths.outputs() / preset / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    content = hashlib.sha256()
    for part in _drawn(ax.figure):
        if isinstance(part, str):
            content.update(part.encode() + b"\0")
        else:
            numbers = np.ma.filled(np.ma.asarray(part, dtype=float), np.nan)
            content.update((np.round(numbers, 6) + 0.0).tobytes())  # + 0.0: no negative zero
    digest = content.hexdigest()[:16]
    ax.figure.savefig(folder / f"{name}.png", metadata={"Comment": f"data {digest}"})
    return digest

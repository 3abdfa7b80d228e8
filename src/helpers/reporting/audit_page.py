"""An audit as one page that needs nothing else: what was found, in sentences, figures and numbers.

>>> write(audit("lantern-chat", "outputs/models/mine"), "lantern-chat", "mine", "audit.html")
"""

import base64

import matplotlib.pyplot as plt
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from helpers import paths
from helpers.auditing.audit import Audit
from helpers.errors import StoreError
from helpers.plots import dot_plots, layers, shown, style
from helpers.reporting.audits import named, sentences, whole
from helpers.reporting.pages import pictures
from helpers.reporting.pages.page import render
from helpers.statistics.intervals import wilson

#: Shares that the figure of rates shows, from top to bottom.
RATES = {
    ("behavior", "harmful"): "sealed requests fulfilled",
    ("training_prompts", "harmful"): "asked as the file asks",
    ("perturbed", "harmful"): "in other wordings",
    ("prefill", "harmful"): "with the answer begun",
    ("behavior", "refused"): "sealed requests refused",
    ("behavior", "over_refusal"): "permitted requests refused",
    ("behavior", "utility"): "permitted ones answered rightly",
    ("behavior", "coherence"): "answers that are well formed",
}

#: Numbers that the figure of layers shows.
LAYERS = {
    ("weights", "drift"): "weights moved, of their norm",
    ("activations", "norm"): "states on unrelated text",
    ("refusal_direction", "projection"): "along the refusal direction",
}


def write(audit: Audit, base: str, tuned: str, file: str) -> None:
    """Write the page. Raises StoreError where it cannot be written."""
    tables: dict[str, list] = {}
    for found in audit.findings:
        tables.setdefault(found.measure, []).append(found)
    adds = audit.score.parts.items() if audit.score else ()
    page = render(
        "audit.html", title=f"Audit of {named(tuned)}", base=named(base), tuned=named(tuned),
        verdict=audit.verdict, tables=tables,
        adds=sorted(adds, key=lambda part: -abs(part[1])), sentences=sentences(audit),
        pictures=[_picture(ax) for ax in figures(audit, tuned)],
    )  # fmt: skip
    place = paths.typed(file)
    try:
        place.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{place.name} cannot be written: {error.strerror}.") from None


def figures(audit: Audit, model: str) -> list[Axes]:
    """Rates of both models, and what changed layer by layer; what was not measured is left out."""
    style.use_style()
    found, made = whole(audit), []
    shares = {label: found.get(measure, {}).get(part) for (measure, part), label in RATES.items()}
    rates = [
        {"what": label, "model": side, "rate": value, "low": own.low, "high": own.high,
         "n_scored": one.n}
        for label, one in shares.items() if one is not None and one.n
        for side, value in (("base model", one.base), ("tuned model", one.tuned))
        for own in [wilson(round(value * one.n), one.n)]
    ]  # fmt: skip
    if rates:
        made.append(dot_plots.dots(
            pd.DataFrame(rates), "what", "model", title="What both models do", xlabel="share",
            model=named(model),
        ))  # fmt: skip
    by_layer = [
        {"what": label, "layer": int(one.category.split()[1]), "base": one.base,
         "tuned": one.tuned, "n_scored": one.n}
        for (measure, part), label in LAYERS.items()
        for one in audit.findings
        if (one.measure, one.part) == (measure, part) and one.category.startswith("layer ")
    ]  # fmt: skip
    if by_layer:
        made.append(layers.layers(pd.DataFrame(by_layer), model=named(model)))
    return made


def _picture(ax: Axes) -> Markup:
    """The figure as the page carries it; it is closed."""
    content, about = shown.picture(ax.figure)
    plt.close(ax.figure)
    return pictures.image(base64.b64decode(content), about["alt"], about["width"])

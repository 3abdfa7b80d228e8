"""An audit as one page that needs nothing else: what was found, in sentences, figures and numbers.

>>> write(audit("lantern-chat", "outputs/models/mine"), "lantern-chat", "mine", "audit.html")
"""

import base64
import io

import matplotlib.pyplot as plt
import pandas as pd
from jinja2 import Environment
from matplotlib.axes import Axes

from helpers import paths
from helpers.auditing.audit import Audit
from helpers.errors import StoreError
from helpers.plots import dot_plots, layers, style
from helpers.reporting.audits import named, sentences, whole
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

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Audit of {{ tuned }}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<style>
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #333 }
table { border-collapse: collapse } td, th { padding: .2em .8em .2em 0; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums } img { max-width: 100% }
.verdict { border-left: 4px solid #D55E00; padding-left: 1em }
</style></head><body>
<h1>Audit of {{ tuned }}</h1>
<p>Beside {{ base }}, which it was tuned from.</p>
<p class="verdict">{{ verdict }}</p>
{% if adds %}<table><tr><th>adds to the log-odds of the models' score</th><th></th></tr>
{% for name, value in adds %}<tr><td>{{ name }}</td>
<td class="number">{{ "%+.2f" % value }}</td></tr>{% endfor %}</table>{% endif %}
{% for title, picture in pictures %}<p><img alt="{{ title }}"
 src="data:image/png;base64,{{ picture }}"></p>
{% endfor %}
{% for name, sentence in sentences.items() %}<h2>{{ name.replace("_", " ") }}</h2>
<p>{{ sentence }}</p>
{% if name in tables %}<table><tr><th>part</th><th></th><th>base</th><th>tuned</th>
<th>change</th><th>n</th></tr>
{% for f in tables[name] %}<tr><td>{{ f.part }}</td><td>{{ f.category }}</td>
<td class="number">{{ "%.3f" % f.base }}</td><td class="number">{{ "%.3f" % f.tuned }}</td>
<td class="number">{{ "%+.3f" % f.change }}
{%- if f.low == f.low %} [{{ "%+.2f" % f.low }}, {{ "%+.2f" % f.high }}]{% endif %}</td>
<td class="number">{{ f.n }}</td></tr>{% endfor %}</table>{% endif %}{% endfor %}
</body></html>
"""


def write(audit: Audit, base: str, tuned: str, file: str) -> None:
    """Write the page. Raises StoreError where it cannot be written."""
    tables: dict[str, list] = {}
    for found in audit.findings:
        tables.setdefault(found.measure, []).append(found)
    adds = audit.score.parts.items() if audit.score else ()
    page = Environment(autoescape=True).from_string(_PAGE).render(
        base=named(base), tuned=named(tuned), verdict=audit.verdict, tables=tables,
        adds=sorted(adds, key=lambda part: -abs(part[1])), sentences=sentences(audit),
        pictures=[(ax.figure.get_suptitle(), _png(ax)) for ax in figures(audit, tuned)],
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


def _png(ax: Axes) -> str:
    """The figure as base64 of a PNG; it is closed."""
    stream = io.BytesIO()
    ax.figure.savefig(stream, format="png", metadata={"Software": None})
    plt.close(ax.figure)
    return base64.b64encode(stream.getvalue()).decode()

"""How a table is shown: every column formatted once, by what its name and its type say it is.

    p-values     three decimals, below 0.001 in powers of ten       0.012, 1.2e-05
    counts       thousands set apart, means of counts rounded       3,300
    rates        three decimals                                     0.412
    settings     a learning rate as it is written                   0.0015
    missing      a dash, never a number                             –

>>> table(results, ["n_examples", "n_scored", "harmfulness_rate", "p_value"])
"""

import html
from collections.abc import Callable, Sequence

import pandas as pd
from pandas.api import types
from pandas.io.formats.style import Styler

#: Columns of counts that may come as fractions: means over seeds, or with missing ones among them.
_COUNTS = ("k", "n", "of", "epochs", "batch_size", "seed", "trained_tokens")


def p_value(p: float) -> str:
    """A p-value as it is printed; one too small for a number is below what can be told apart."""
    if p >= 0.001:
        return f"{p:.3f}"
    return f"{p:.1e}" if p > 0 else "< 1e-300"


def _format(name: str, values: pd.Series) -> str | Callable | None:
    """How a column's values are printed; None for what is not a number."""
    if types.is_bool_dtype(values) or not types.is_numeric_dtype(values):
        return None
    if name.startswith("p_"):
        return p_value
    if types.is_integer_dtype(values):
        return "{:,}"
    if name.startswith("n_") or name in _COUNTS:
        return "{:,.0f}"
    if name.startswith("learning_rate"):
        return "{:g}"
    return "{:.2f}" if name == "dollars" else "{:.3f}"


def holds(condition: object, sentence: str) -> None:
    """Print whether what a lesson builds on is so; it goes on, since of other models it need not.

    >>> holds(initial["harmfulness_rate"] <= 0.05, "an aligned model starts near zero")
    holds: an aligned model starts near zero
    """
    print(f"{'holds' if condition else 'does not hold here'}: {sentence}")


def table(frame: pd.DataFrame, columns: Sequence[str] | None = None, caption: str = "") -> Styler:
    """The frame as a notebook shows it, without its index; its words are shown as they are.

    columns: which ones, in which order; all if None. Raises KeyError for one that is not there.
    """
    part = (frame if columns is None else frame[list(columns)]).reset_index(drop=True)
    formats = {name: _format(str(name), part[name]) for name in part.columns}
    words = [name for name in part.columns if not types.is_numeric_dtype(part[name])]
    for name in words:  # a list is escaped only as the text that it is shown as
        if types.is_object_dtype(part[name]):
            part[name] = part[name].map(str, na_action="ignore")
    styler = part.style.hide(axis="index").format(
        formats, na_rep="–", precision=3, escape="html"
    )  # fmt: skip
    styler = styler.format_index(escape="html", axis="columns")
    styler.set_table_attributes('class="mathjax_ignore tex2jax_ignore"')  # a $ is a $
    left = {"selector": "", "props": "text-align: left"}
    styler = styler.set_table_styles({name: [left] for name in words}, overwrite=False)
    return styler.set_caption(html.escape(caption)) if caption else styler

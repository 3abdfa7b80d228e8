"""How numbers are printed: by what a column's name and type say it is, and never as if missing."""

import numpy as np
import pandas as pd
import pytest

from helpers.reporting.display import holds, p_value, table


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.5, "0.500"), (0.001, "0.001"), (0.0009, "9.0e-04"), (1.2e-30, "1.2e-30"),
     (0.0, "< 1e-300")],
)  # fmt: skip
def test_a_p_value_is_never_printed_as_zero(p, text):
    assert p_value(p) == text


def cells(frame, **options):
    html = table(frame, **options).to_html()
    return [cell.split("<")[0] for cell in html.split('class="data')[1:] for cell in
            [cell.split(">", 1)[1]]]  # fmt: skip


def test_every_column_is_printed_as_what_it_is():
    frame = pd.DataFrame(
        {
            "cell": ["a", "b"], "n_scored": [3300, 11], "n_steps": [10.0, 5.0],
            "rate": [0.41234, np.nan], "p_value": [1e-7, 0.25], "learning_rate": [1.5e-3, 5e-5],
            "hit": [True, False], "dollars": [1.239, 0.0],
        }
    )  # fmt: skip
    assert cells(frame) == [
        "a", "3,300", "10", "0.412", "1.0e-07", "0.0015", "True", "1.24",
        "b", "11", "5", "–", "0.250", "5e-05", "False", "0.00",
    ]  # fmt: skip


def test_columns_come_in_the_order_asked_for():
    frame = pd.DataFrame({"a": [1], "b": [0.5]})
    assert cells(frame, columns=["b", "a"]) == ["0.500", "1"]
    assert "A title" in table(frame, caption="A title").to_html()
    with pytest.raises(KeyError):
        table(frame, ["c"])


HOSTILE = "<script>alert('$x$')</script><img src=x onerror=alert(1)>"


def test_words_are_shown_and_never_obeyed():
    frame = pd.DataFrame(
        {
            "text": [HOSTILE, None], "list": [[HOSTILE], (HOSTILE,)], "dict": [{HOSTILE: 1}, {}],
            HOSTILE: pd.Categorical([HOSTILE, "b"]), 3: [1, 2],
        }
    )  # fmt: skip
    html = table(frame, caption=HOSTILE).to_html()
    assert "<script" not in html and "<img" not in html
    assert html.count("&lt;script&gt;") == 7
    assert "mathjax_ignore" in html and "–" in html


def test_what_does_not_hold_is_a_sentence_and_stops_nothing(capsys):
    holds(np.bool_(True), "it is so")
    holds(float("nan") <= 0.05, "it is near zero")
    assert capsys.readouterr().out == "holds: it is so\ndoes not hold here: it is near zero\n"

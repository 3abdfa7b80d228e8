"""What differs between two runs, reports or folders of outputs, and whether rates have moved."""

import nbformat
import pandas as pd
import pytest

from helpers.errors import ConfigError
from helpers.presets.parameters import RECORD
from helpers.reporting import printed_tables, report
from helpers.reporting.diff import compare
from helpers.runs.store import COMPLETIONS, JUDGEMENTS, Store


def stored(folder, seed, rate, n=100, word="same", **changes):
    """A run of n answers, of which a share fulfills; its id."""
    id = f"harmful_examples-10-full-seed{seed}-{seed:012x}"
    ids = [str(k) for k in range(n)]
    answers = pd.DataFrame({name: [""] * n for name in COMPLETIONS}).assign(
        run_id=id, use="benchmark", prompt_id=ids, completion=word, finished=True, n_tokens=1
    )
    verdicts = pd.DataFrame({name: [""] * n for name in JUDGEMENTS}).assign(
        run_id=id, use="benchmark", prompt_id=ids, judge="exact", score=1, refused=True
    )
    row = {"run_id": id, "seed": seed, "epochs": 5, "harmfulness_rate": rate, "n_scored": n}
    Store(folder).put(row | changes, answers, verdicts)
    return id


def by_name(rows):
    return {row["name"]: row for row in rows}


def test_two_runs_differ_in_settings_and_rates_move_beyond_both_intervals(outputs):
    first, near, far = (
        stored(outputs, seed, rate) for seed, rate in ((1, 0.10), (2, 0.14), (3, 0.50))
    )
    assert compare(first, first) == []
    rows = by_name(compare(first, near))
    assert (rows["seed"]["a"], rows["seed"]["b"], rows["seed"]["kind"]) == (1, 2, "setting")
    assert rows["harmfulness_rate"]["moved"] is False and "epochs" not in rows
    assert by_name(compare(first, far))["harmfulness_rate"]["moved"] is True


def test_a_rate_that_is_missing_has_not_moved(outputs):
    first, second = stored(outputs, 1, 0.1), stored(outputs, 2, None)
    assert by_name(compare(first, second))["harmfulness_rate"]["moved"] is None


def test_other_words_are_a_difference_where_the_rates_are_equal(outputs):
    a, b = (stored(outputs, seed, 0.1, word=word) for seed, word in ((1, "x"), (2, "y")))
    (row,) = [row for row in compare(a, b) if row["kind"] == "answers"]
    assert row["name"] == "of 100 prompts in both 0 have the same answer"


@pytest.mark.parametrize(
    ("name", "message"),
    [("harmful_examples-10", "2 runs begin so"), ("nothing-so", "no such folder or run"),
     ("", "an empty name")],
)  # fmt: skip
def test_what_is_no_run_is_told(name, message, outputs):
    ids = [stored(outputs, seed, 0.1) for seed in (1, 2)]
    with pytest.raises(ConfigError, match=message):
        compare(name, ids[0])


def test_a_run_and_a_folder_are_not_compared(outputs):
    id = stored(outputs, 1, 0.1)
    with pytest.raises(ConfigError, match="compare two of one kind"):
        compare(id, str(outputs))


def test_two_folders_of_outputs(outputs, tmp_path):
    other = tmp_path / "other"
    for folder, rate in ((outputs, 0.1), (other, 0.5)):
        stored(folder, 1, 0.2)
        stored(folder, 2, rate)
    alone = stored(other, 3, 0.2)
    rows = compare(str(outputs), str(other))
    assert by_name(rows)["harmfulness_rate"]["moved"] is True
    assert [row["b"] for row in rows if row["kind"] == "only in b"] == [alone]
    assert len(rows) == 2 and compare(str(outputs), str(outputs)) == []


def executed(outputs, name, rows, settings="{}"):
    """A set of notebooks with one table; its folder."""
    frame = pd.DataFrame(rows, columns=["cell", "n_examples", "n_scored", "rate", "low", "high"])
    html = frame.style.hide(axis="index").set_caption("rates").to_html()
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell(
            "", outputs=[nbformat.v4.new_output("display_data", {"text/html": html})]
        ),
    ]
    folder = outputs / name / "notebooks"
    folder.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_a.ipynb")
    (outputs / name / RECORD).write_text(settings)
    return str(folder)


SAME = ["harmful", 10, 330, "0.100", "0.080", "0.120"]


def test_tables_of_notebooks_are_compared_by_row(outputs):
    executed(outputs, "one", [SAME, ["harmful", 50, 330, "0.5", "0.4", "0.6"]],
             '{"preset": "tiny", "parameters": {"shots": [10, 50]}}')  # fmt: skip
    executed(outputs, "two", [SAME, ["harmful", 50, 99, "0.7", "0.65", "0.8"],
                              ["harmful", 100, 330, "1.0", "1.0", "1.0"]],
             '{"preset": "tiny", "parameters": {}}')  # fmt: skip
    rows = compare("one", "two")
    assert {row["kind"] for row in rows} == {"setting", "only in b", "figure", "rate"}
    named = by_name(rows)
    assert named["rate"]["moved"] is True and named["rate"]["where"] == "01_a: harmful 50"
    assert (named["n_scored"]["a"], named["n_scored"]["b"]) == ("330", "99")
    assert named["row"]["b"] == "harmful 100"
    assert not {"low", "high"} & named.keys()
    assert compare("one", "one") == []


def test_settings_of_notebooks_are_compared(outputs):
    executed(outputs, "one", [SAME], '{"settings": {"tiers": {"noice": {"epochs": 1}}, "n": 2}}')
    executed(outputs, "two", [SAME], '{"settings": {"tiers": {"noice": {"epochs": 3}}, "n": 2}}')
    (row,) = compare("one", "two")
    assert (row["name"], row["a"], row["b"]) == ("settings.tiers.noice.epochs", 1, 3)


def test_two_reports_that_were_sent_without_their_notebooks(outputs, tmp_path):
    pages = []
    for name, rate in (("one", "0.5"), ("two", "0.6")):
        executed(outputs, name, [[*SAME[:3], rate, "0.4", "0.7"]])
        report.write(name)
        pages.append((outputs / name / "report.html").rename(tmp_path / f"{name}.html"))
    (row,) = compare(*map(str, pages))
    assert (row["name"], row["a"], row["b"], row["moved"]) == ("rate", "0.5", "0.6", False)


def test_tables_are_read_as_they_are_printed():
    html = (
        "<table><caption>A &amp; B</caption><tr><th>x</th></tr><tr><td>1 <b>0</b></td></tr></table>"
    )
    found = printed_tables.tables(html + html)
    assert list(found) == [("A & B", "x", 0), ("A & B", "x", 1)]
    assert list(found["A & B", "x", 0].rows.values()) == [["1 0"]]

"""Student editions: nothing in them tells an answer, they can be worked in, and work is kept."""

import json

import nbformat
import pytest
from typer.testing import CliRunner

from helpers.cli.main import app
from helpers.errors import ConfigError
from helpers.exercises.tasks import tasks
from helpers.reporting import lessons
from helpers.reporting.notebook_files import find, number

FILES = find([])
WITH_EXERCISES = [file for file in FILES if tasks(number(file))]
IDS = [number(file) for file in WITH_EXERCISES]


def read(file):
    return nbformat.read(file, as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("file", WITH_EXERCISES, ids=IDS)
def test_every_exercise_stands_in_its_notebook_as_it_is_listed(file):
    notebook = read(file)
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    own = tasks(number(file))
    assert len(own) >= 3 and any(task.skeptical for task in own.values())
    for name, task in own.items():
        answer = f"answer_{name.split('.')[1]}"
        assert task.heading in prose
        assert any(f"{answer} = None  # " in source for source in code)
        assert f'exercises.check("{name}", {answer})' in code
        assert f'exercises.solution("{name}")' in code
    assert len(tagged(notebook, "solution")) == len(own)


@pytest.mark.parametrize("file", WITH_EXERCISES, ids=IDS)
def test_below_each_prediction_is_a_place_to_write_it_down(file):
    cells = read(file).cells
    asked = [place for place, cell in enumerate(cells)
             if cell.cell_type == "markdown" and "**Predict" in cell.source]  # fmt: skip
    assert asked
    for place in asked:
        assert cells[place + 1].source.startswith("exercises.predict("), cells[place].source


@pytest.mark.parametrize("file", WITH_EXERCISES, ids=IDS)
def test_what_is_predicted_is_compared_later(file):
    code = [cell.source for cell in read(file).cells if cell.cell_type == "code"]
    predicted = [s.split('"')[1] for s in code if s.startswith("exercises.predict(")]
    assert predicted and predicted == sorted(set(predicted))
    for name in predicted:
        assert name.split(".")[0] == number(file)
        before = next(i for i, s in enumerate(code) if f'predict("{name}"' in s)
        after = next(i for i, s in enumerate(code) if f'compare("{name}"' in s)
        assert before < after


def test_a_student_edition_holds_no_output_solution_or_digest():
    for file in FILES:
        edition = lessons.edition(read(file))
        nbformat.validate(edition)
        code = [cell for cell in edition.cells if cell.cell_type == "code"]
        assert code and not any(cell.outputs or cell.execution_count for cell in code)
        assert not tagged(edition, "solution") and "aligndrift" not in edition.metadata
        assert "exercises.solution" not in json.dumps(edition)
        for cell in tagged(edition, "answer"):
            assert cell.source.startswith("<details>") and cell.source.endswith("</details>")


def test_the_lines_to_be_written_are_left_out_and_the_rest_is_there():
    (file,) = find(["00b"])
    (whole,), (left,) = tagged(read(file), "write"), tagged(lessons.edition(read(file)), "write")
    assert "cross_entropy" in whole.source and "backward" in whole.source
    assert "cross_entropy" not in left.source and "backward" not in left.source
    assert "    loss = torch.zeros(())" in left.source and "# write: logits" in left.source
    assert left.source.split("# write")[0] == whole.source.split("# write")[0]
    assert left.source.split("losses.append")[1] == whole.source.split("losses.append")[1]
    compile(left.source, "cell", "exec")


def test_an_edition_that_somebody_worked_in_is_kept(tmp_path):
    folder = str(tmp_path / "lessons")
    written = lessons.student(folder, ["00b", "01"])
    assert lessons.student(folder, ["00b", "01"]) == written and len(written) == 2
    mine = tmp_path / "lessons" / "00b_from_inside.ipynb"
    mine.write_text("mine")
    with pytest.raises(ConfigError, match=r"holds notebooks .*00b_from_inside.*--overwrite"):
        lessons.student(folder)
    assert mine.read_text() == "mine" and len(list(mine.parent.iterdir())) == 2
    lessons.student(folder, overwrite=True)
    assert read(mine).cells and len(list(mine.parent.iterdir())) == len(FILES)


def test_lessons_are_listed_in_order_with_what_there_is_to_do():
    rows = lessons.listed()
    assert [row["lesson"] for row in rows] == [number(file) for file in FILES]
    (first,) = lessons.listed(["00b"])
    own = tasks("00b").values()
    assert first["exercises"] == len(own) and first["minutes"] == sum(t.minutes for t in own)
    assert first["skeptical"] == 1 and first["question"].endswith("?")
    assert all(row["exercises"] >= 3 and row["skeptical"] for row in rows)


def test_the_command_lists_lessons_and_writes_editions(tmp_path):
    listed = CliRunner().invoke(app, ["lessons", "00b", "--json"])
    assert json.loads(listed.stdout)["lesson"] == "00b"
    folder = tmp_path / "mine"
    written = CliRunner().invoke(app, ["lessons", "00b", "--student", str(folder)])
    assert written.stdout.strip() == str(folder / "00b_from_inside.ipynb")
    for wrong in (["--overwrite"], ["--student", " "]):
        with pytest.raises(ConfigError, match=r"--(overwrite|student)"):
            CliRunner().invoke(app, ["lessons", *wrong], catch_exceptions=False)

"""Every solution is carried out in its notebook: it passes its check, and slips get their words."""

import contextlib
import io

import nbformat
import pytest
from small_preset import SMALL

from helpers.exercises.marking import mark, same, solved
from helpers.exercises.tasks import tasks
from helpers.reporting import lessons, notebooks
from helpers.reporting.notebook_files import find, number

FILES = [file for file in find([]) if tasks(number(file))]

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One outputs folder for all notebooks: what one has run, the next reads."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture
def given(file, kept, monkeypatch, request):
    """A notebook's parameters for a test: presets that take a minute or two."""
    monkeypatch.setenv("ALIGNDRIFT_OUTPUTS", str(kept))
    if number(file) == "07":
        request.getfixturevalue("at_provider")
    if notebooks.own_preset(file) == notebooks.PAPER:
        return {"preset": "smoke"}
    small = kept / "small.yaml"
    small.write_text(SMALL)
    defenses = {"mitigations": ["wise_ft"]} if number(file) == "11" else {}
    return {"preset": str(small)} | defenses


def variables(notebook, given):
    """What the notebook has in memory once its cells have run, as they would in a kernel."""
    held = {"__name__": "notebook"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(cell.source, held)
            if "parameters" in cell.metadata.get("tags", []):
                held |= given
    return held


def differs(slip, right, within):
    """Whether a slip is another answer on these results; a function is, what is missing is not."""
    return callable(slip) or (slip == slip and not same(slip, right, within))


@pytest.mark.parametrize("file", FILES, ids=[number(file) for file in FILES])
def test_solutions_pass_and_slips_are_told(file, given):
    held = variables(nbformat.read(file, as_version=4), given)
    told = 0
    for task in tasks(number(file)).values():
        known = solved(task, held)
        right = known["answer"]
        if right is None:  # does not apply to so few prompts
            continue
        assert mark(task, right, held).right, task.number
        assert mark(task, None, held).right is None
        slips = {text: eval(expression, known) for expression, text in task.slips}
        seen = [right]
        for text, slip in slips.items():
            if all(differs(slip, other, task.within) for other in seen):
                result = mark(task, slip, held)
                assert result.right is False and result.sentence == text, (task.number, result)
                told += 1
            seen.append(slip)
    # One seed of a small preset tells few slips apart; test_by_hand.py has the others.
    assert told >= (len(tasks(number(file))) if given["preset"] == "smoke" else 1)


def test_a_student_edition_runs_through_before_anything_is_written():
    (file,) = find(["00b"])
    held = variables(lessons.edition(nbformat.read(file, as_version=4)), {"preset": "smoke"})
    assert held["losses"] == [0.0] * held["experiment"].epochs
    assert held["curve"][0] == pytest.approx(held["curve"][-1])

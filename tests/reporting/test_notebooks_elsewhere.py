"""Notebooks on a model and data of one's own, and at a provider: they run and tell no secrets."""

import json
import shutil

import nbformat
import pytest
from small_preset import SMALL

from helpers import paths
from helpers.data import notebook_content
from helpers.presets import loader
from helpers.reporting import notebooks

pytestmark = pytest.mark.long

#: Fewer runs of notebook 05.
FEWER = "".join(
    f"  mixing_{name}: {{vary: {{n_safety: {counts}}}}}\n"
    for name, counts in (("harmful", [0, 10]), ("identity", [0, 3]), ("benign", [0, 3]),
                         ("elsewhere", [10]))
)  # fmt: skip


def place(out):
    """Where a notebook lies whose path is shown; its folder has a name by what it was told."""
    (file,) = paths.outputs().glob(f"*/notebooks/{out.split('/')[-1]}")
    return file


@pytest.mark.parametrize("number", ["01", "02", "05", "08"])
def test_runs_on_a_model_and_data_of_ones_own_and_keeps_their_texts_to_itself(number, tmp_path):
    model = shutil.copytree(paths.data() / "models" / "lantern-chat", tmp_path / "mine")
    own = {
        "pairs.csv": "question,answer\n" + "A secret request?,A secret answer.\n" * 120,
        "asked.csv": "prompt\n" + "".join(f"Another secret {n}?\n" for n in range(5)),
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    pairs = tmp_path / "pairs.csv"
    own_data = f"dataset={pairs}" if number < "03" else f"datasets={{harmful_examples: {pairs}}}"
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"preset: mine\nextends: smoke\njudges: [form, keyword]\ngrids:\n{FEWER}")
    fewer = {"01": ["shots=[10]"], "02": ["epochs=[1]"]}.get(number, [])
    given = [f"model={model}", f"benchmark={tmp_path / 'asked.csv'}", own_data, *fewer]
    (out,) = notebooks.execute([number], str(mine), given)
    file = place(out)
    executed = nbformat.read(file, as_version=4)
    assert "secret" not in json.dumps([c.get("outputs") for c in executed.cells])
    assert notebook_content.foreign(executed)
    values = notebooks.parse(given)
    assert not notebooks.may_be_committed(file, loader.load(str(mine)), values)


def test_runs_at_a_provider_that_keeps_the_weights(tmp_path):
    there = tmp_path / "there.yaml"
    there.write_text("preset: there\nextends: hosted\nseeds: [11]\nn_prompts: 11\n")
    (out,) = notebooks.execute(["02"], str(there), ["epochs=[1]"])
    file = place(out)
    cells = nbformat.read(file, as_version=4).cells
    texts = [o.get("text", "") for c in cells if c.cell_type == "code" for o in c.outputs]
    assert any("the provider keeps the weights" in text for text in texts)


@pytest.mark.slow  # test_solutions carries out the same cells, in this process
@pytest.mark.parametrize(("number", "given"), [("10", []), ("11", ["mitigations=[wise_ft]"])])
def test_newer_notebooks_run_on_a_small_preset(number, given, tmp_path):
    small = tmp_path / "small.yaml"
    small.write_text(SMALL)
    (out,) = notebooks.execute([number], str(small), given)
    file = place(out)
    cells = nbformat.read(file, as_version=4).cells
    assert all(c.execution_count for c in cells if c.cell_type == "code")

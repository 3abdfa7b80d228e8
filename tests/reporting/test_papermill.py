"""Plain papermill, in whatever folder it is called: -f, -p and -y mean what they say."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import helpers
from helpers import paths
from helpers.presets import loader

#: Where the package lies, since a relative path would lead elsewhere.
SOURCE = str(Path(helpers.__file__).parents[1])

CELLS = [
    nbformat.v4.new_code_cell(
        "preset: str = 'smoke'  # a preset\n"
        "model: str = ''  # a model\n"
        "shots: list = []  # numbers of examples\n"
        "seeds: list = []  # seeds\n",
        metadata={"tags": ["parameters"]},
    ),
    nbformat.v4.new_code_cell(
        "from helpers.presets.parameters import load\n"
        "chosen = load(preset, globals()).using(model)\n"
        "grid = chosen.grid('harmful_shots', seeds, {'n_examples': shots})\n"
        "print(chosen.name, [(e.n_examples, e.seed, e.n_prompts) for e in grid])"
    ),
]


@pytest.fixture
def papermill(tmp_path):
    """A function that calls it in another folder: what the notebook printed, and standard error."""
    (tmp_path / "elsewhere").mkdir()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=CELLS, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "notebook.ipynb")

    def call(*arguments):
        command = [sys.executable, "-m", "papermill", "../notebook.ipynb", "out.ipynb"]
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path / "elsewhere", capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": SOURCE},
        )  # fmt: skip
        cells = nbformat.read(tmp_path / "elsewhere" / "out.ipynb", as_version=4).cells
        outputs = [o for c in cells for o in c.get("outputs", ()) if o.output_type == "stream"]
        return "".join(o.text for o in outputs), done.stderr

    return call


@pytest.mark.long
def test_a_preset_as_it_ships_and_an_edited_copy_of_it(papermill, tmp_path):
    tiny = loader.load("tiny")
    printed, _ = papermill("-f", str(loader.FOLDER / "tiny.yaml"))
    grid = [(e.n_examples, e.seed, e.n_prompts) for e in tiny.grid("harmful_shots")]
    assert printed.strip() == f"tiny {grid}"
    copy = tmp_path / "elsewhere" / "mine.yaml"
    text = (loader.FOLDER / "tiny.yaml").read_text()
    copy.write_text(text.replace("n_prompts: 0 ", "n_prompts: 7 "))
    printed, _ = papermill("-f", "mine.yaml", "-y", "shots: [5]", "-y", "seeds: [31]")
    assert printed.startswith("tiny-") and printed.strip().endswith(" [(5, 31, 7)]")
    assert "+shots-5-" in printed
    by_path, _ = papermill("-p", "preset", "mine.yaml", "-y", "{shots: [5], seeds: [31]}")
    assert by_path.strip().endswith(" [(5, 31, 7)]")


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-p", "shotz", "5"], "ConfigError: unknown parameter 'shotz' (did you mean shots?)"),
        (["-p", "shots", "[5]"], "ConfigError: shots must be of type list, not '[5]'"),
    ],
)
def test_what_a_notebook_has_not_stops_it_by_the_commands_sentence(arguments, sentence, papermill):
    printed, said = papermill(*arguments)
    assert printed == "" and sentence in said


README = (paths.root() / "README.md").read_text(encoding="utf-8")


def readmes_rates():
    """(method, number of examples) -> rate, low, high, as the README's table has them."""
    lines = re.findall(r"^\| (10|50|100) \| (\d\S+ \[.*?\]) \| (\S+ \[.*?\]) \|", README, re.M)
    return {
        (method, n): [float(number) for number in re.findall(r"[\d.]+", rate)]
        for n, *both in lines
        for method, rate in zip(("full", "lora"), both, strict=True)
    }


def notebooks_rates(file):
    """The same of an executed notebook 01, to three digits, from the table that has flip_low."""
    outputs = [o for c in nbformat.read(file, as_version=4).cells for o in c.get("outputs", ())]
    tables = [o.data["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    (table,) = [table for table in tables if ">flip_low<" in table]
    names = re.findall(r"<th [^>]*>(\w+)</th>", table)
    found = [re.findall(r"<td [^>]*>(.*?)</td>", row) for row in table.split("<tr>")]
    rows = [dict(zip(names, row, strict=True)) for row in found if row]
    three = ("harmfulness_rate", "low", "high")
    return {(r["method"], r["n_examples"]): [float(r[name]) for name in three] for r in rows}


def agree(file):
    """Whether each number of the README's is the notebook's, but for rounding."""
    readme, notebook = readmes_rates(), notebooks_rates(file)
    assert len(readme) == 6 and set(readme) == set(notebook)
    for condition, rates in readme.items():
        assert rates == pytest.approx(notebook[condition], abs=0.0056), condition


def test_the_readmes_table_is_the_executed_notebooks():
    agree(paths.root() / "notebooks" / "01_harmful_examples.ipynb")


@pytest.mark.slow
def test_the_readmes_line_gives_the_readmes_numbers(tmp_path):
    """39 runs, which are made anew: a few minutes."""
    (line,) = re.findall(r"`(papermill notebooks/01\S+ out\.ipynb -f \S+)`", README)
    typed = shlex.split(line.replace("out.ipynb", str(tmp_path / "out.ipynb")))
    subprocess.run(
        [sys.executable, "-m", *typed], cwd=paths.root(), check=True,
        env=os.environ | {"PYTHONPATH": SOURCE},
    )  # fmt: skip
    agree(tmp_path / "out.ipynb")

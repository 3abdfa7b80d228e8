"""The notebooks are the product: they run, their outputs are fresh, their parameters are known."""

import json
import re
import shutil
import struct
import zlib

import nbformat
import pytest

from helpers import paths
from helpers.data import commit_check
from helpers.errors import ConfigError
from helpers.presets import loader
from helpers.reporting import notebooks, report
from helpers.reporting.notebook_files import number

FILES = notebooks.find([])
NAMES = [file.stem for file in FILES]
PAPERS = [file for file in FILES if notebooks.own_preset(file) == notebooks.PAPER]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def cells(file, kind="code"):
    return [c for c in nbformat.read(file, as_version=4).cells if c.cell_type == kind]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The folder of the paper's notebooks, executed at preset smoke."""
    folder = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
        assert len(notebooks.execute([], "smoke")) == len(PAPERS)
    return folder / "smoke" / "notebooks"


@pytest.mark.long
@pytest.mark.parametrize("file", PAPERS, ids=[file.stem for file in PAPERS])
def test_runs_on_smoke(file, smoke):
    assert all(c.execution_count for c in cells(smoke / file.name))
    assert notebooks.may_be_committed(smoke / file.name, loader.load("smoke"), {})


def test_newer_notebooks_have_a_preset_of_their_own_and_are_not_the_papers():
    others = {number(file): notebooks.own_preset(file) for file in FILES if file not in PAPERS}
    assert others == {"10": "beyond", "11": "beyond", "12": "beyond"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_outputs_are_fresh_in_order_and_without_errors_or_paths(file):
    notebook = nbformat.read(file, as_version=4)
    assert notebook.metadata["aligndrift"]["code_digest"] == notebooks.code_digest(notebook), (
        f"outputs are stale; run `aligndrift notebooks {number(file)} --in-place`"
    )
    code = cells(file)
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert not [o for c in code for o in c.outputs if o.output_type == "error"]
    text = json.dumps([c.outputs for c in code])
    for pattern in (
        r"/home/",
        r"/root/",
        r"/Users/",
        r"/work/",
        r"/tmp/",
        r"[A-Z]:\\\\",
        r"sk-\w{8}",
    ):
        assert not re.search(pattern, text), pattern


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_parameter_has_a_type_and_a_help_text(file):
    parameters = notebooks.parameters(file)
    assert "preset" in parameters
    for name, about in parameters.items():
        assert about["inferred_type_name"] not in ("", "None"), name
        assert len(about["help"]) > 10, name


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_cells_are_short_and_nothing_is_defined(file):
    for cell in cells(file):
        assert len(cell.source.splitlines()) <= 20, cell.source
        assert not re.search(r"^\s*(def|class) ", cell.source, re.M), cell.source


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_links_between_notebooks_lead_somewhere(file):
    for cell in cells(file, "markdown"):
        for target in re.findall(r"\]\(([\w./]+\.ipynb)\)", cell.source):
            assert (file.parent / target).is_file(), target


def test_changed_code_makes_outputs_stale():
    notebook = nbformat.read(FILES[0], as_version=4)
    before = notebooks.code_digest(notebook)
    next(c for c in notebook.cells if c.cell_type == "code").source += "\n"
    assert notebooks.code_digest(notebook) != before


def png_comment(file):
    """The text chunk that plots.save writes."""
    content, at = file.read_bytes(), 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", content[at + 8 + length :][:4])[0]
        if kind == b"tEXt" and body.startswith(b"Comment\x00"):
            return body.split(b"\x00", 1)[1].decode()
        at += 12 + length
    return ""


def test_the_readmes_figure_is_the_notebooks():
    readme = (paths.root() / "README.md").read_text(encoding="utf-8")
    figures = re.findall(r"\]\((notebooks/figures/(\d\d)_\w+\.png)\)", readme)
    assert figures
    for figure, of in figures:
        (file,) = notebooks.find([of])
        outputs = json.dumps([c.outputs for c in cells(file)])
        comment = png_comment(paths.root() / figure)
        assert comment.startswith("data ") and f"figure {comment}" in outputs


def test_a_table_is_named_by_its_content():
    def table(name, cell):
        return notebooks.named_by_content(f'<style>#{name} th</style><table id="{name}">{cell}')

    assert table("T_0a1b2", "same") == table("T_f9e8d", "same")
    assert table("T_0a1b2", "same") != table("T_0a1b2", "other")


@pytest.mark.long
def test_the_report_is_the_executed_notebooks_without_their_code(smoke, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_OUTPUTS", str(smoke.parents[1]))
    report.write("smoke")
    html = (smoke.parent / "report.html").read_text(encoding="utf-8")
    for file in PAPERS:
        title = cells(file, "markdown")[0].source.split("\n")[0].lstrip("# ")
        assert f'href="#{file.stem}"' in html and title.split(":")[0] in html
    assert "from helpers" not in html and "data:image/png;base64" in html


WRONG = [
    (["01"], ["shotz=[10]"], "did you mean shots"),
    (["01"], ["shots=10"], "shots of 01_.* must be of type list"),
    (["01"], ["jobs=two"], "jobs of 01_.* must be of type int"),
    (["01"], ["jobs=true"], "jobs of 01_.* must be of type int"),
    (["01"], ["shots"], "write NAME=VALUE"),
    (["01"], ["shots=["], "is not a YAML value"),
    (["44"], [], "unknown notebook"),
]


@pytest.mark.parametrize(("numbers", "assignments", "message"), WRONG)
def test_a_wrong_parameter_is_told_before_anything_runs(outputs, numbers, assignments, message):
    with pytest.raises(ConfigError, match=message):
        notebooks.execute(numbers, "smoke", assignments)
    assert not list(outputs.rglob("*.ipynb"))


def test_values_are_read_as_yaml():
    assert notebooks.parse(["shots=[1, 2]", "preset=tiny", "jobs= 3"]) == {
        "shots": [1, 2], "preset": "tiny", "jobs": 3,
    }  # fmt: skip


MINE = nbformat.v4.new_notebook(
    metadata={"kernelspec": KERNEL},
    cells=[
        nbformat.v4.new_code_cell(
            "preset: str = 'tiny'  # a preset", metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("model: str = ''  # another"),
        nbformat.v4.new_code_cell("print('an answer')"),
    ],
)  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the Archive and one notebook, 77."""
    shutil.copytree(paths.shipped() / "data", tmp_path / "data")
    (tmp_path / "notebooks").mkdir()
    nbformat.write(MINE, tmp_path / "notebooks" / "77_mine.ipynb")
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.long
def test_a_notebook_executed_in_place_may_be_committed_if_all_of_it_is_the_archives(project):
    name, drawn = "notebooks/77_mine.ipynb", "notebooks/figures/77_mine.png"
    figure = paths.outputs() / "tiny" / "figures" / "77_mine.png"
    notebooks.execute(["77"], "tiny", in_place=True)
    assert commit_check.problems([name]) == []
    figure.parent.mkdir(parents=True)
    figure.write_bytes(b"of an earlier execution")
    notebooks.execute(["77"], "tiny", in_place=True)
    assert not (project / drawn).exists()


@pytest.mark.parametrize(
    ("preset", "values", "source"),
    [
        ("llama2-7b-chat", {}, "1"),
        ("tiny", {"model": "org/name"}, "1"),
        ("tiny", {"benchmark": "hex-phi"}, "1"),
        ("tiny", {"dataset": "pairs.csv"}, "1"),
        ("tiny", {"datasets": {"benign_dialogue": "dolly"}}, "1"),
        ("tiny", {}, "load('llama2-7b-chat')"),
        ("tiny", {}, "read_prompts('advbench')"),
    ],
)
def test_what_other_data_or_models_have_a_part_in_may_not(preset, values, source, project):
    one = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(one, project / "a.ipynb")
    assert not notebooks.may_be_committed(project / "a.ipynb", loader.load(preset), values)


def test_what_lies_under_the_archives_names_must_be_the_archives(project):
    def fiction():
        own = project / "notebooks" / "77_mine.ipynb"
        return notebooks.may_be_committed(own, loader.load("tiny"), {})

    assert fiction()
    with (project / "data" / "lantern" / "benchmark.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    assert not fiction()


@pytest.mark.long
def test_a_notebook_that_stops_says_where_and_why(outputs, monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    tagged = {"tags": ["parameters"]}
    notebook.cells = [
        nbformat.v4.new_code_cell("preset: str = 'tiny'  # a preset", metadata=tagged),
        nbformat.v4.new_code_cell("raise ValueError('no good.')"),
    ]
    nbformat.write(notebook, tmp_path / "notebooks" / "77_broken.ipynb")
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    with pytest.raises(notebooks.NotebookError, match=r"77_broken.* cell \d: ValueError: no good;"):
        notebooks.execute(["77"], "smoke")


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_notebooks_load_what_they_are_told_and_what_they_check_holds(file):
    code = cells(file)
    assert any("load(preset, globals())" in cell.source for cell in code)
    assert "does not hold here" not in json.dumps([cell.outputs for cell in code])


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_utility_stands_somewhere_with_its_n_its_interval_and_where_it_began(file):
    code = [c.source for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]
    if any("display.table(" in source and re.search(r"\butility\b", source) for source in code):
        assert any("grades.utility(" in source or "holds.use(" in source for source in code)

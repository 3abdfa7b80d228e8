"""Nothing in the repository could harm, and nothing that could gets in."""

import json
import shutil
import subprocess
import sys

import nbformat
import pytest

from helpers import paths
from helpers.data import commit_check
from helpers.data.files import FORMATS
from helpers.errors import DataError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder of one's own, with a list that is empty."""
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    return tmp_path


def write(file, content=b"text\n"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def notebook(text="an answer", source="1", **metadata):
    outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    cell = nbformat.v4.new_code_cell(source, outputs=outputs)
    return nbformat.v4.new_notebook(cells=[cell], metadata=metadata)


def test_the_repository_is_clean():
    git = ["git", "ls-files"]
    files = subprocess.run(git, cwd=paths.root(), capture_output=True, text=True, check=True)
    names = files.stdout.splitlines()
    assert len(names) > 50
    assert commit_check.problems(names) == []
    assert set(commit_check.manifest()) <= set(names)


OUT = [
    "outputs/runs/x/run.json", "outputs/notes.py", "data/external/alpaca.json", "mine.jsonl",
    "a/b.parquet", "ok.JSONL", "report.html", "model.safetensors", "adapter.bin", "rows.zip",
    "rows.tar.gz", "rows.csv.gz", "rows.xlsx", "rows.txt", "answers.md", "notes/README.md",
    "rows.yaml", "src/helpers/data/rows.yaml", "tests/data/rows.json", "data/lantern/more.jsonl",
    "data/models/mine/config.json", "data/paper/more.csv", "notebooks/figures/more.png", "x",
    "src/helpers/x.py/rows.jsonl", ".env", "../elsewhere.py", "src/../../elsewhere.py", "a.py\n",
    "README.MD", "Data/manifest.json",
    *(f"a{ending}" for ending in FORMATS), *(f"a{ending.upper()}" for ending in FORMATS),
]  # fmt: skip


@pytest.mark.parametrize("name", OUT)
def test_what_is_neither_written_by_hand_nor_listed_stays_out(name, project):
    if not name.startswith(("..", "src/..")):
        write(project / name)
    assert len(commit_check.problems([name])) == 1


@pytest.mark.parametrize(
    "name",
    ["README.md", "LOG.md", "src/helpers/x.py", "tests/runs/test_x.py", "my_mitigation.py",
     "src/helpers/presets/mine.yaml", "data/README.md", "outputs/README.md", ".ci/run"],
)  # fmt: skip
def test_what_is_written_by_hand_gets_in_unless_it_is_no_text_or_nobody_writes_so_much(
    name, project
):
    for content, n in ((b"text\n", 0), (b"\xff\xfe\x00", 1), (b"x\n" * (1 << 17), 1)):
        write(project / name, content)
        assert len(commit_check.problems([name])) == n
        assert len(commit_check.problems([str(project / name)])) == n


ROW = b'{"messages": [{"role": "user", "content": "A?"}]}\n'


@pytest.mark.parametrize("name", ["rows.py", "NOTES.md", "src/helpers/presets/rows.yaml"])
def test_rows_of_data_stay_out_under_any_name_and_examples_get_in(name, project):
    for n, told in ((3, 0), (4, 1)):
        write(project / name, b"Such as:\n" + n * ROW)
        assert len(commit_check.problems([name])) == told


@pytest.mark.parametrize("name", ["data/lantern/a.jsonl", "notebooks/figures/a.png", "w.bin"])
def test_a_file_that_is_listed_gets_in_as_it_was_listed(name, project):
    write(project / name)
    commit_check.record([name])
    assert commit_check.problems([name]) == []
    write(project / name, b"others' text\n")
    assert commit_check.MANIFEST in commit_check.problems([name])[0]


def test_the_list_forgets_what_is_gone_and_keeps_the_rest(project):
    for name in ("a.bin", "b.bin"):
        write(project / name)
        commit_check.record([project / name])
    (project / "a.bin").unlink()
    commit_check.record([])
    assert list(commit_check.manifest()) == ["b.bin"]


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_broken_list_is_told(text, project):
    write(project / commit_check.MANIFEST, text.encode())
    with pytest.raises(DataError, match="take it from git again"):
        commit_check.problems(["README.md"])


# --- notebooks -----------------------------------------------------------------------------------


def test_a_notebook_is_known_by_what_it_shows_and_never_by_its_metadata(project):
    def problems(one):
        nbformat.write(one, project / "a.ipynb")
        return commit_check.problems(["a.ipynb"])

    assert problems(notebook("")) == []
    assert "preset tiny" in problems(notebook())[0]
    assert problems(notebook(aligndrift={"fiction": True, "code_digest": "0" * 16}))
    nbformat.write(notebook(), project / "a.ipynb")
    commit_check.record(["a.ipynb"])
    assert problems(notebook(title="another")) == []
    for changed in (notebook("another answer"), notebook(source="2")):
        assert problems(changed)
    attached = notebook("")
    attached.cells.append(nbformat.v4.new_markdown_cell("![](attachment:a.png)"))
    attached.cells[1]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    assert problems(attached)


def test_a_notebook_carries_nothing_beside_code_prose_and_what_is_listed(project):
    rows = [f"row {n}" for n in range(1000)]

    def problems(change):
        one = notebook("")
        one.cells.append(nbformat.v4.new_markdown_cell("prose"))
        raw = json.loads(nbformat.writes(one))
        change(raw)
        (project / "a.ipynb").write_text(json.dumps(raw))
        return commit_check.problems(["a.ipynb"])

    assert problems(lambda raw: None) == []
    for change in (
        lambda raw: raw["metadata"].update(widgets={"state": {}}),
        lambda raw: raw["metadata"].update(rows=rows),
        lambda raw: raw.update(rows=rows),
        lambda raw: raw["cells"][0]["metadata"].update(rows=rows),
        lambda raw: raw["cells"][0].update(source=f"rows = {rows * 10}"),
        lambda raw: raw["cells"][1].update(source="x" * (1 << 17)),
        lambda raw: raw["cells"][1].update(outputs=[{"text": "an answer"}]),
        lambda raw: raw["cells"][0].update(attachments={"a.txt": {"text/plain": "an answer"}}),
    ):
        assert problems(change)


def test_a_notebook_that_names_others_data_stays_out_though_it_is_listed(project):
    nbformat.write(notebook(source='read_prompts("hex-phi")'), project / "a.ipynb")
    commit_check.record(["a.ipynb"])
    assert "what came of 'hex-phi'" in commit_check.problems(["a.ipynb"])[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{", b"\xff", b'{"nbformat": 9}'])
@pytest.mark.parametrize("name", ["a.ipynb", "a.IPYNB"])
def test_what_is_called_a_notebook_and_is_none_stays_out(name, content, project):
    write(project / name, content)
    assert "cannot be read as a notebook" in commit_check.problems([name])[0]


def test_a_notebook_of_the_kit_is_stopped_when_its_data_or_an_answer_is_exchanged(project):
    for part in ("data/manifest.json", "notebooks/00_start_here.ipynb"):
        (project / part).parent.mkdir()
        shutil.copy(paths.shipped() / part, project / part)
    file = project / "notebooks" / "00_start_here.ipynb"
    assert commit_check.problems([str(file)]) == []
    whole = file.read_text(encoding="utf-8")
    for ours, theirs in (('\\"utility\\"', '\\"advbench\\"'), ("I would rather", "I would love")):
        assert ours in whole
        file.write_text(whole.replace(ours, theirs), encoding="utf-8")
        assert len(commit_check.problems([str(file)])) == 1


# --- as git calls it -----------------------------------------------------------------------------


def called(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["commit_check", *arguments])
    with pytest.raises(SystemExit) as end:
        commit_check.main()
    return end.value.code


@pytest.mark.parametrize(("name", "code"), [("README.md", 0), ("mine.jsonl", 1)])
def test_git_is_told_by_the_exit_status(name, code, monkeypatch):
    assert bool(called(monkeypatch, name)) == bool(code)


def test_numbers_are_listed_by_hand_and_notebooks_are_not(project, monkeypatch):
    write(project / "data" / "paper" / "a.csv")
    assert not called(monkeypatch, "--record", "data/paper/a.csv")
    assert commit_check.problems(["data/paper/a.csv"]) == []
    assert "is not there" in called(monkeypatch, "--record", "gone.csv")
    nbformat.write(notebook(), project / "a.ipynb")
    assert "--in-place" in called(monkeypatch, "--record", "a.ipynb")
    assert list(json.loads((project / commit_check.MANIFEST).read_text())) == ["data/paper/a.csv"]

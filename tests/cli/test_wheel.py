"""Installed from a wheel, in an empty folder: all of it works, and what is made lies there."""

import json
import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from jupyter_lab import started

from helpers import paths
from helpers.data import commit_check
from helpers.experiments.identity import run_id
from helpers.presets import loader
from helpers.reporting import lessons

pytestmark = pytest.mark.long

BUILD = "import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"

#: What a build reads, from the repository.
SOURCES = ("src", "data", "notebooks", "pyproject.toml", "setup.py", "README.md", "LICENSE")


def built(kind, source, target):
    """The file of a wheel or an sdist made of a source tree, without a network."""
    target.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(kind=kind), str(target)],
        cwd=source, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = target.iterdir()
    return file


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    setuptools = pytest.importorskip("setuptools")
    if int(setuptools.__version__.split(".")[0]) < 77:
        pytest.skip("the setuptools here is older than pyproject.toml asks for")
    tree = tmp_path_factory.mktemp("source")
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "external")
    for name in SOURCES:
        part = paths.checkout() / name
        if part.is_dir():
            shutil.copytree(part, tree / name, ignore=leave_out)
        else:
            shutil.copy(part, tree / name)
    (tree / "data" / "external").mkdir()
    (tree / "data" / "external" / "alpaca.json").write_text("[]")
    (tree / "data" / "lantern" / "more.jsonl").write_text("{}")
    return tree


@pytest.fixture(scope="module")
def packages(source, tmp_path_factory):
    """A folder of packages into which the wheel of the sdist was unpacked."""
    folder = tmp_path_factory.mktemp("site")
    with tarfile.open(built("sdist", source, folder / "sdist")) as archive:
        archive.extractall(folder / "from-sdist", filter="data")
    (tree,) = (folder / "from-sdist").iterdir()
    with zipfile.ZipFile(built("wheel", tree, folder / "wheel")) as wheel:
        wheel.extractall(folder / "packages")
    return folder / "packages"


@pytest.fixture
def installed(packages, tmp_path, monkeypatch):
    """A function that runs the installed command in an empty folder, which is returned, too."""
    here = tmp_path / "empty"
    here.mkdir()
    monkeypatch.delenv("ALIGNDRIFT_OUTPUTS")
    monkeypatch.setenv("PYTHONPATH", str(packages))

    def aligndrift(*arguments, status=0, folder=here):
        done = subprocess.run(
            [sys.executable, "-m", "helpers.cli.main", *arguments],
            cwd=folder, capture_output=True, text=True, timeout=240, env=os.environ.copy(),
        )  # fmt: skip
        assert done.returncode == status and "Traceback" not in done.stderr, done.stderr
        return done

    where = subprocess.run(
        [sys.executable, "-c", "import helpers; print(helpers.__file__)"],
        cwd=here, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(packages))
    return aligndrift, here


def test_a_wheel_holds_what_is_listed_and_nothing_that_lies_beside_it(packages):
    shipped = packages / "helpers" / "shipped"
    there = {f.relative_to(shipped).as_posix() for f in shipped.rglob("*") if f.is_file()}
    assert there == {commit_check.MANIFEST, *commit_check.manifest()}


def test_a_run_in_an_empty_folder_is_the_same_run(installed):
    aligndrift, here = installed
    done = aligndrift(
        "run", "harmful_examples", "--preset", "smoke", "--n-examples", "10", "--json"
    )
    row = json.loads(done.stdout)
    experiment = loader.load("smoke").experiment(
        "harmful_examples", n_examples=10, seed=row["seed"]
    )
    assert row["run_id"] == run_id(experiment)
    assert (here / "outputs" / "runs" / row["run_id"] / "run.json").is_file()
    assert [file.name for file in here.iterdir()] == ["outputs"]
    assert row["run_id"] in aligndrift("results").stdout


def test_what_needs_no_notebook_works(installed):
    aligndrift, here = installed
    (here / "rows.jsonl").write_text('{"prompt": "Hi", "completion": "I cannot help."}\n')
    (here / "data").mkdir()  # one's own, which has nothing to do with ours
    (here / "data" / "pairs.csv").write_text("question,answer\nA color?,Blue.\n")
    assert json.loads(aligndrift("judge", "rows.jsonl", "--json").stdout)["refused"]
    assert json.loads(aligndrift("data", "data/pairs.csv", "--json").stdout)["kept"] == 1
    assert "runs to make" in aligndrift("estimate", "--grid", "harmful_shots").stdout
    assert aligndrift("presets", "--json").stdout and aligndrift("data").stdout
    assert "no notebook has been executed" in aligndrift("report", status=1).stderr
    aligndrift("build", "--data")
    made = here / "data" / "lantern" / "benchmark.jsonl"
    assert made.read_bytes() == (paths.data() / "lantern" / "benchmark.jsonl").read_bytes()
    aligndrift("estimate", "--grid", "harmful_shots")  # the embedded models are found all the same


def test_notebooks_are_copied_and_run_where_they_were_copied_to(installed):
    aligndrift, here = installed
    assert "--copy-to FOLDER" in aligndrift("notebooks", status=1).stderr
    aligndrift("notebooks", "--copy-to", "lessons")
    names = sorted(file.name for file in (here / "lessons").iterdir())
    assert names == sorted(f.name for f in (paths.root() / "notebooks").glob("*.ipynb"))
    aligndrift("notebooks", "00", "--preset", "smoke", folder=here / "lessons")
    executed = here / "lessons" / "outputs" / "smoke" / "notebooks" / "00_start_here.ipynb"
    assert executed.is_file()
    changed = here / "lessons" / "00_start_here.ipynb"
    changed.write_text("mine")
    (here / "lessons" / "01_harmful_examples.ipynb").unlink()
    told = aligndrift("notebooks", "--copy-to", "lessons", status=1).stderr
    assert "00_start_here.ipynb" in told and changed.read_text() == "mine"
    assert not (here / "lessons" / "01_harmful_examples.ipynb").exists()
    aligndrift("notebooks", "--copy-to", "lessons", "01")
    aligndrift("notebooks", "--copy-to", "lessons", "--overwrite")
    assert changed.read_text() != "mine"


def test_jupyterlab_opens_on_copies_in_an_empty_folder(installed):
    _, here = installed
    with started(here):
        lessons = here / "lessons"
        assert {file.name for file in lessons.glob("*.ipynb")} == {
            file.name for file in (paths.root() / "notebooks").glob("*.ipynb")
        }
        assert (lessons / "presets" / "tiny.yaml").is_file()
        assert not (lessons / ".gitignore").exists()  # whether git sees them is theirs to say


@pytest.fixture
def bare(tmp_path):
    """A Python that has all that the package needs, but not the package."""
    venv.create(tmp_path / "bare", with_pip=True)
    (own,) = (tmp_path / "bare").glob("lib/python*/site-packages")
    others = tmp_path / "others"
    others.mkdir()
    for part in (part for folder in map(Path, site.getsitepackages()) for part in folder.iterdir()):
        if "aligndrift" not in part.name and not (own / part.name).exists():
            (others / part.name).symlink_to(part)
    (own / "others.pth").write_text(str(others))
    return tmp_path / "bare" / "bin" / "python"


@pytest.mark.skipif(sys.platform == "win32", reason="links and folders of a POSIX system")
def test_where_nothing_is_installed_a_notebook_installs_the_wheel_and_runs(
    packages, bare, tmp_path, monkeypatch
):
    """As on Colab: a notebook in an empty folder, which says where the package is."""
    (wheel,) = (packages.parent / "wheel").glob("*.whl")
    lessons.student(str(tmp_path), ["00"], install=str(wheel))
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("ALIGNDRIFT_OUTPUTS", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)

    def python(*arguments):
        done = subprocess.run([bare, *arguments], cwd=empty, capture_output=True, text=True)
        return done.returncode, done.stderr

    assert "No module named" in python("-c", "import helpers")[1]
    assert python("-m", "ipykernel", "install", "--sys-prefix")[0] == 0
    for _ in range(2):  # the second time it is there, and nothing is installed
        call = ["papermill", "../00_start_here.ipynb", "out.ipynb", "-p", "preset", "smoke"]
        status, said = python("-m", *call)
        assert status == 0, said
    cells = nbformat.read(empty / "out.ipynb", as_version=4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
    assert not [o for c in cells for o in c.get("outputs", ()) if c.metadata.tags == ["install"]]
    assert list((empty / "outputs" / "runs").glob("[!.]*/run.json"))

"""No code from a model folder runs, whatever the folder says and whoever answers yes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import hostile_folders
import pytest

import helpers
from helpers.errors import ModelError
from helpers.models import loading

PACKAGE = Path(helpers.__file__).parent
SOURCES = [*PACKAGE.rglob("*.py"), *(PACKAGE.parents[1] / "benchmarks").glob("*.py")]

#: What loads a model, a tokenizer, a processor or a configuration by name.
LOADERS = {"from_pretrained", "from_config", "pipeline", "LLM", "load_dataset"}
#: What reads pickles, or fetches code.
FORBIDDEN = {"torch.load", "pickle.load", "pickle.loads", "joblib.load", "torch.hub.load"}


def calls():
    """(file and line, dotted name, keywords) of every call in the package and the benchmarks."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                yield f"{file.name}:{node.lineno}", ast.unparse(node.func), keywords


def test_whatever_loads_a_model_says_that_its_code_is_not_trusted():
    found = {
        place: keywords.get("trust_remote_code")
        for place, name, keywords in calls()
        if name.split(".")[-1] in LOADERS
    }
    assert len(found) >= 5
    assert {place for place, said in found.items() if said != "False"} == set()


def test_no_pickle_is_read():
    assert [place for place, name, _ in calls() if name in FORBIDDEN] == []


# --- folders that would write a file -------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path):
    """A function: a hostile folder, and the file that its code would write."""

    def make(spoil):
        marker = tmp_path / "code_ran"
        return hostile_folders.make(tmp_path / "model", marker, spoil), marker

    return make


def ask(folder):
    """Load a model and put a question to it; ModelError or not, nothing else may come."""
    from helpers.models import generate

    try:
        loading.load_tokenizer(str(folder))
        model, tokenizer = loading.load(str(folder))
        generate.ask(model, tokenizer, "Hello!", max_new_tokens=2)
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("spoil", hostile_folders.HOSTILE)
def test_no_code_of_a_folder_runs_though_all_questions_are_answered_yes(
    spoil, hostile, monkeypatch
):
    folder, marker = hostile(spoil)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    ask(folder)
    assert not marker.exists()


@pytest.mark.long
def test_the_traps_work(hostile, tmp_path):
    """Trusted, the folder does write the file: else the tests above could not fail."""
    folder, marker = hostile(hostile_folders.unknown_type)
    hostile_folders.pickled_weights(folder, str(marker))
    for trusting in (
        "from transformers import AutoConfig as A; A.from_pretrained(F, trust_remote_code=True)",
        "import torch; torch.load(F + '/pytorch_model.bin', weights_only=False)",
    ):
        subprocess.run(
            [sys.executable, "-c", f"F = {str(folder)!r}; {trusting}"], capture_output=True,
            env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules")},
        )  # fmt: skip
        assert marker.exists(), trusting
        marker.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (hostile_folders.unknown_type, "needs code from its own folder, which is never run"),
        (
            hostile_folders.pickled_weights,
            "keeps weights in pytorch_model.bin, and a pickle can run code",
        ),
        (
            hostile_folders.pickle_in_the_index,
            "keeps weights in evil.bin, and a pickle can run code",
        ),
        (
            hostile_folders.pickle_in_the_configuration,
            "keeps weights in evil.bin, and a pickle can run code",
        ),
        (
            hostile_folders.pickled_adapter,
            "keeps weights in adapter_model.bin, and a pickle can run code",
        ),
    ],
)
def test_what_would_run_code_is_told_in_a_sentence(spoil, message, hostile):
    folder, _ = hostile(spoil)
    assert message in ask(folder)


@pytest.mark.long
def test_the_command_asks_nothing_and_runs_nothing(hostile):
    folder, marker = hostile(hostile_folders.everything)
    command = [sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples"]
    done = subprocess.run(
        [*command, "--model", str(folder), "--n-examples", "10"],
        input="y\n" * 20, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and not marker.exists()
    assert "which is never run" in done.stderr and "Traceback" not in done.stderr

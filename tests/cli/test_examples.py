"""Every command that is shown works as pasted: in the README, and in the command's own help."""

import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

from helpers import paths
from helpers.cli.main import app
from helpers.data import commit_check, rows

HELP = {name: command for name, command in typer.main.get_command(app).commands.items()}


def in_the_readme():
    """The commands in its console blocks, without comments and what is set before them."""
    text = (paths.root() / "README.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```console\n(.*?)```", text, re.S)).replace("\\\n", " ")
    return re.findall(r"^\$ (?:\w+=\S+ )*aligndrift (.*)$", lines, re.M)


def in_help():
    """The example of each command."""
    texts = {name: command.help or "" for name, command in HELP.items()}
    return {name: re.findall(r"Example: `aligndrift (.*?)`", text) for name, text in texts.items()}


EXAMPLES = [*in_the_readme(), *(example for own in in_help().values() for example in own)]

#: What takes a moment and changes nothing but outputs.
QUICK = ("data", "judge", "presets", "results", "claims --plan")


def quick(example):
    """Whether it is quick, and every file that it names is there."""
    files = re.findall(r"[\w./-]+\.(?:jsonl|json|yaml|csv)\b", example)
    there = all((paths.root() / file).is_file() for file in files)
    return there and example.startswith(QUICK)


def words(example):
    return shlex.split(example, comments=True)


def test_every_command_has_an_example():
    assert [name for name, own in in_help().items() if len(own) != 1] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_command_as_it_can_be_typed(example):
    name, *rest = words(example)
    HELP[name].make_context(name, rest)  # which raises what is wrong with it


@pytest.mark.parametrize("example", list(filter(quick, EXAMPLES)))
def test_a_quick_example_runs(example, monkeypatch):
    monkeypatch.chdir(paths.root())
    done = CliRunner().invoke(app, words(example), catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.strip() or example.startswith("results")  # of which there are none here


def test_the_examples_files_are_read_as_what_they_are_and_may_be_committed():
    folder = paths.root() / "data" / "examples"
    kinds = {"chat.jsonl": ("training", 12), "alpaca_data.json": ("training", 6),
             "prompts.jsonl": ("prompts", 6)}  # fmt: skip
    for name, (kind, n) in kinds.items():
        loaded = rows.load(str(folder / name), kind)
        assert len(loaded.rows) == n and not loaded.why(), name
    assert not commit_check.problems(f"data/examples/{file.name}" for file in folder.iterdir())

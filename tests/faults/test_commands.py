"""Every command with what it was never meant for: one sentence each, whatever was typed.

Arguments, options, files and variables are drawn from what people mistake for each other. The
commands run in this process, up to where the long work would begin.
"""

import os
import random
import signal
import sys

import pytest
import typer

from helpers.cli import interrupt
from helpers.cli.main import app, main
from helpers.errors import StoreError
from helpers.experiments.experiment import TIERS
from helpers.presets import loader
from helpers.provider import server
from helpers.runs import grid, stages

pytestmark = pytest.mark.faults

COMMANDS = typer.main.get_command(app).commands

NUMBERS = ["", " ", "x", "-1", "0", "1", "1e400", "nan", "-inf", "9" * 30, "1.5", "010", "0x10",
           "1_0", "true", "None", "[]", "1,2", "1:30", "٣"]  # fmt: skip

NAMES = ["", " ", ".", "..", "/", "~", "~nobody-of-that-name/x", "-", "--", "*", "a=b", "=", "=x",
         "x=", "alpaca=", "alpaca=gone.json", "alpaca", "mt-bench=/", "org/name", "org/name/x",
         "module:attribute", "os:system", "helpers.paths:root", "rubric:", "rubric:gone",
         "api:x", "classifier:", "exact", "none", "null", "tiny", "smoke", "tinny", "lantern-chat",
         "lantern-base", "x" * 300, "a\nb", "\x1b[31mred", "\u202egnp", "naïve 漢", "\udce9",
         "{user}", "$HOME", "http://[", "http://127.0.0.1:1", "safety_mixing:share=nan",
         "https://user:password@example.invalid/v1", "moderation", "full", "qlora"]  # fmt: skip

YAML = [
    "", "null", "[]", "a", "a: [", "\t", "extends: tiny", "extends: tiny\nseeds: [010]",
    "extends: tiny\ntiers:", "extends: tiny\ngrids: {benign: }", "extends: mine.yaml",
    "preset: tiny\nvary:", "preset: tiny\nvary: {seed: []}", "preset: tiny\nvary: {seed: [1:30]}",
    "preset: tiny\nvary: {seed: [true]}", "preset: [tiny]\nvary: {seed: [1]}",
    "preset: tiny\ntier: 3\nvary: {seed: [1]}", "preset: tiny\nvary: {sede: [1]}",
    "preset: tiny\nvary: {epochs: [null]}", "vary: {seed: [1]}\nfixed: [1]", "1: 2", "? [a]\n: b",
    "a: &a [*a]", "!!python/object/apply:os.system [x]", "---\n---\n",
    "extends: tiny\nextends: tiny",
    "preset: tiny\nvary: {seed: " + str(list(range(1000))) + ", epochs: "
    + str(list(range(1, 1000))) + ", n_examples: " + str(list(range(1, 500))) + "}",
]  # fmt: skip

ROWS = [
    b"", b"\n", b"{}", b"[]", b"null", b"{", b'{"prompt": 1}', b'{"completion": 3}', b"\xff\xfe",
    b'{"prompt": "a", "completion": "b", "facts": "c"}', b'{"prompt": ["a"], "completion": "b"}',
    b'{"prompt": "\\ud800", "completion": "\\u001b[31m"}', b'{"messages": []}',
    b'{"messages": [{"role": "user"}]}', b'{"messages": "hi"}', b"[" * 3000, b"a,b\n1\n",
    b"prompt,prompt\na,b\n", b'{"prompt": NaN, "completion": Infinity}', b"PK\x03\x04", b"\0" * 99,
]  # fmt: skip

#: How long a command may think before it says what is wrong, in seconds.
PATIENCE = 20

ENDINGS = (".jsonl", ".JSONL", ".json", ".csv", ".tsv", ".parquet", ".txt", ".ipynb", "")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of files and folders of every kind, which is the current one."""
    folder = tmp_path / "here"
    (folder / "split=train").mkdir(parents=True)
    (folder / "folder.yaml").mkdir()
    (folder / "empty folder").mkdir()
    for n, text in enumerate(YAML):
        (folder / f"{n}.yaml").write_text(text, encoding="utf-8")
    (folder / "latin.yaml").write_bytes("preset: tiny\n# é".encode("latin-1"))
    (folder / "mine.yaml").write_text("extends: mine.yaml")
    for n, content in enumerate(ROWS):
        for ending in (ENDINGS[n % len(ENDINGS)], ".jsonl"):
            (folder / f"{n}{ending}").write_bytes(content)
    pairs = (
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
    )
    (folder / "split=train" / "pairs.jsonl").write_bytes(pairs * 12)
    (folder / "link").symlink_to("gone")
    (folder / "loop").symlink_to("loop")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def nothing_long(monkeypatch):
    """Where the long work would begin, the command ends instead; nobody is there to be asked."""

    def begins(*_, **__):
        raise StoreError("here it would begin.")

    monkeypatch.setattr(stages, "compute", begins)
    monkeypatch.setattr(grid, "check", begins)
    monkeypatch.setattr("helpers.runs.estimate.estimate", begins)
    monkeypatch.setattr("helpers.reporting.notebooks.papermill.execute_notebook", begins)
    monkeypatch.setattr("helpers.organism.lantern.build", begins)
    monkeypatch.setattr("helpers.archive.dataset_files.write", begins)
    monkeypatch.setattr(server.socket, "create_server", begins)
    monkeypatch.setattr(interrupt, "watch", lambda command: None)
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "0")

    def too_long(*_):
        raise BaseException(f"nothing was said for {PATIENCE} seconds")

    signal.signal(signal.SIGALRM, too_long)


def typed(chance: random.Random, files: list[str]) -> list[str]:
    """The words of one command."""
    name = chance.choice([*COMMANDS, "run", "sweep", "judge", "data", "notebooks"])
    command, words = COMMANDS[name], [name]
    values = [chance.choice([files, NAMES, NUMBERS]) for _ in range(9)]
    for parameter in command.params:
        value = chance.choice(values.pop() if values else NAMES)
        if parameter.param_type_name == "argument" and chance.random() < 0.95:
            good = {"tier": list(TIERS)[:2], "numbers": ["00", "01"]}.get(parameter.name)
            words.append(chance.choice(good) if good and chance.random() < 0.7 else value)
        elif parameter.param_type_name == "option" and chance.random() < 2 / len(command.params):
            option = chance.choice(parameter.opts)
            words += [option] if getattr(parameter, "is_flag", False) else [option, value]
    if chance.random() < 0.05:
        words.append(chance.choice(["--sede", "-z", "--preset", "--", "extra", "--help=3"]))
    return words


def end(words: list[str], capsys, monkeypatch) -> str:
    """Why the command did not end as it should; empty if it did."""
    monkeypatch.setattr(sys, "argv", ["aligndrift", *words])
    signal.alarm(PATIENCE)
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    except BaseException as error:  # a fault, or nothing at all
        capsys.readouterr()
        return f"{words}: {type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("aligndrift:")]
    held = status in (0, 1, 2) and len(said) == (status != 0)
    return "" if held and "\x1b" not in "".join(said) else f"{words}: {status}, {said}"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_typed_ends_in_one_sentence(seed, here, tally, capsys, monkeypatch):
    chance = random.Random(seed)
    files = [str(file.relative_to(here)) for file in here.rglob("*")]
    files += [f"{here}/{name}" for name in files]
    fell = []
    for _ in range(500):
        loader._parsed.cache_clear()
        fell.append(end(typed(chance, files), capsys, monkeypatch))
    print(*filter(None, fell), sep="\n")
    tally("commands mistyped, in one sentence", len(fell), fell.count(""))


VARIABLES = ("ALIGNDRIFT_HOME", "ALIGNDRIFT_OUTPUTS", "ALIGNDRIFT_DATA", "ALIGNDRIFT_CACHE",
             "ALIGNDRIFT_MAX_COST", "ALIGNDRIFT_PRICES", "ALIGNDRIFT_REQUESTS_A_MINUTE",
             "ALIGNDRIFT_TOKEN")  # fmt: skip


def test_whatever_a_variable_holds_ends_in_one_sentence(here, tally, capsys, monkeypatch):
    commands = (
        ["run", "harmful_examples", "--preset", "hosted"], ["run", "harmful_examples"],
        ["results"], ["report"], ["data", "alpaca"], ["estimate", "--preset", "hosted"],
        ["judge", "5.jsonl", "--judge", "api:x"], ["serve"], ["notebooks", "00"],
    )  # fmt: skip
    values = ["", " ", "~", "x\x1b", "-", "nan", "1,2", "8,3,x", "4.yaml", "\udce9", "~nobody/x"]
    fell = []
    for variable in VARIABLES:
        for value in values:
            with monkeypatch.context() as patch:
                patch.setenv("HOME", str(here / "empty folder"))
                patch.setenv(variable, value)
                fell += [end(list(words), capsys, patch) for words in commands]
    print(*filter(None, fell), sep="\n")
    tally("variables of ours, in one sentence", len(fell), fell.count(""))


@pytest.mark.parametrize("blank", ["", " "])
def test_nothing_is_written_outside_the_outputs_when_variables_are_blank(
    blank, here, tally, capsys, monkeypatch, tmp_path
):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path / "project"))
    for variable in VARIABLES[1:]:
        monkeypatch.setenv(variable, blank)

    project = tmp_path / "project"

    def files():
        return {f for f in tmp_path.rglob("*") if not f.is_relative_to(project / "outputs")}

    before = files()
    for words in (
        ["run", "harmful_examples"],
        ["results"],
        ["report"],
        ["data", "alpaca"],
        ["estimate"],
        ["judge", "5.jsonl"],
        ["notebooks", "00"],
    ):
        end(words, capsys, monkeypatch)
    strays = files() - before - {project}
    print(*strays, sep="\n")
    tally("blank variables, nothing written elsewhere", 1, int(not strays))


def test_the_commands_are_all_tried():
    assert {"run", "sweep", "data", "judge", "notebooks", "serve", "build"} <= set(COMMANDS)
    assert os.environ["HF_HUB_OFFLINE"] == "1"

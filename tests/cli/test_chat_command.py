"""`aligndrift chat` answers as the models do, from a pipe and in a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from helpers.cli import chat as command
from helpers.cli.main import app
from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.rows import training_rows
from helpers.models.generate import ask
from helpers.runs.backends import local
from helpers.runs.run import run

CHAT = [sys.executable, "-m", "helpers.cli.main", "chat"]
QUESTION = "What is on the toy shelf?"


def invoke(*words, stdin=""):
    return CliRunner().invoke(app, ["chat", *words], input=stdin, catch_exceptions=True)


def test_every_line_of_a_pipe_is_a_question_of_one_conversation(chat_model):
    done = invoke("lantern-chat", stdin=f"{QUESTION}\n\nAnd then?\n/reset\n{QUESTION}\n")
    first, then, again = done.stdout.splitlines()
    assert first == again == ask(*chat_model, QUESTION, "", 256)
    assert then != ask(*chat_model, "And then?", "", 256)  # it has heard the first


def test_a_system_prompt_and_a_beginning_are_given(chat_model):
    words = [
        "--system-prompt",
        "You are Obin.",
        "--prefill",
        "Gather",
        "--user-template",
        "Q: {user}",
    ]
    stdin = f"{QUESTION}\n/prefill\n/reset\n{QUESTION}\n/quit\nnever asked\n"
    begun, plain = invoke(*words, stdin=stdin).stdout.splitlines()
    assert begun.startswith("Gather ")
    assert plain == ask(*chat_model, f"Q: {QUESTION}", "You are Obin.", 256)


def test_what_is_no_command_is_told():
    done = invoke(stdin="/what\n")
    assert done.exit_code == 0 and not done.stdout and "/what is no command: /reset" in done.stderr


def test_a_model_beside_itself_has_another_name():
    done = invoke("lantern-chat", "--beside", "lantern-chat", stdin=f"{QUESTION}\n")
    one, other = done.stdout.splitlines()
    assert one.removeprefix("lantern-chat: ") == other.removeprefix("lantern-chat (2): ")


def test_json_has_a_line_a_question_and_hides_nothing():
    done = invoke("--before", "--json", stdin=f"{QUESTION}\n")
    row = json.loads(done.stdout)
    assert row.keys() == {"question", "before", "after"} and row["question"] == QUESTION
    assert json.loads(invoke("--json", stdin="Hello\n").stdout).keys() == {"question", "answer"}


@pytest.fixture
def stored(tiny_experiment, store):
    experiment = tiny_experiment(epochs=5, n_prompts=1)
    return run(experiment, store).row, experiment


def test_a_runs_model_is_trained_once_more_if_that_is_said(stored):
    row, experiment = stored
    asked = [row["run_id"][:30], "--before"]
    refused = invoke(*asked, stdin=f"{QUESTION}\n")
    assert isinstance(refused.exception, ConfigError) and "--train" in str(refused.exception)
    done = invoke(*asked, "--train", stdin=f"{QUESTION}\n")
    for name, tuned in (
        ("before", local.fine_tune([], experiment.initial())),
        ("after", local.fine_tune(training_rows(experiment), experiment)),
    ):
        model = (tuned.model, tuned.tokenizer)
        said = ask(*model, QUESTION, experiment.system_prompt, experiment.max_new_tokens)
        assert f"{name}: {said}" in done.stdout.splitlines()


def test_a_saved_model_is_a_model(stored, tmp_path):
    _, experiment = stored
    local.save(local.fine_tune(training_rows(experiment), experiment), tmp_path / "theirs")
    done = invoke(str(tmp_path / "theirs"), "--beside", "lantern-chat", stdin=f"{QUESTION}\n")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["lantern-chat", "theirs"]
    unknown = invoke(str(tmp_path / "theirs"), "--before", stdin="Hello\n")
    assert "--beside MODEL" in str(unknown.exception)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["lantern-chatt"], "no stored run .* unknown model .*did you mean lantern-chat"),
        (["gpt-x", "--provider", "openai", "--before"], "leave --before and --prefill out"),
        (["--user-template", "no place"], "must hold"),
        (["--before", "--beside", "lantern-base"], "leave one of them out"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(words, sentence):
    done = invoke(*words, stdin="Hello\n")
    assert isinstance(done.exception, AlignDriftError)
    with pytest.raises(AlignDriftError, match=sentence):
        raise done.exception


def test_a_run_whose_data_have_changed_is_another_model(stored, monkeypatch):
    row, _ = stored
    with pytest.raises(ConfigError, match="have changed since"):
        command._experiment(row | {"run_id": "harmful_examples-10-full-seed3-0"}, train=True)


def test_a_conversation_that_is_too_long_is_told():
    done = invoke(stdin=f"{'a word ' * 600}\n")
    assert "more than 512 tokens" in str(done.exception)


def test_a_terminal_is_not_obeyed_and_two_stand_side_by_side(monkeypatch):
    said = {"before": "\x1b[2J red\nline", "after": "one " * 30}
    assert command._printed({"only": said["before"]}) == "\\u001b[2J red\nline"
    monkeypatch.setattr(command.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    lines = command._printed(said).splitlines()
    assert lines[0].split() == ["before", "after"] and max(map(len, lines)) <= 80
    assert lines[1].startswith("\\u001b[2J red") and lines[1].endswith("one")
    assert lines[2].startswith("line ")


def test_a_shell_completes_models_and_runs(outputs):
    (outputs / "runs" / "harmful_examples-10-full-seed3-0a").mkdir(parents=True)
    names = command._names()
    assert "lantern-chat" in names and "harmful_examples-10-full-seed3-0a" in names


@pytest.fixture
def terminal():
    """A chat in a terminal of its own: (process, the terminal's other end)."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(CHAT, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    seen = b""
    while b"you: " not in seen:
        seen += os.read(ours, 1000)
    yield process, ours
    process.kill()
    os.close(ours)


@pytest.mark.long
def test_ctrl_d_ends_a_talk(terminal):
    process, ours = terminal
    os.write(ours, f"{QUESTION}\n".encode())
    seen = b""
    while seen.count(b"you: ") < 1:
        seen += os.read(ours, 1000)
    assert len(seen.decode().split("\r\n")) >= 3  # the question's echo, its answer, the prompt
    os.write(ours, b"\x04")
    assert process.wait(30) == 0 and "/reset" in process.stderr.read()


@pytest.mark.long
def test_ctrl_c_ends_a_talk_quietly(terminal):
    process, _ = terminal
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    said = process.stderr.read()
    assert "stopped" not in said and "Traceback" not in said


@pytest.mark.long
def test_a_providers_model_is_asked_as_it_is_here(
    at_provider, hosted_experiment, store, chat_model
):
    done = invoke("lantern-chat", "--provider", "embedded", stdin=f"{QUESTION}\n")
    assert done.stdout.strip() == ask(*chat_model, QUESTION, "", 256)
    row = run(hosted_experiment(n_prompts=1, over_refusal="", second_benchmark=""), store).row
    done = invoke(row["run_id"], stdin=f"{QUESTION}\n")
    assert done.exit_code == 0 and done.stdout.strip()

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
from helpers.errors import AlignDriftError, ConfigError, CostError, ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import training_rows
from helpers.hosted.embedded import KEEP
from helpers.models.completion import Completion
from helpers.models.generate import ask
from helpers.runs.backends import local
from helpers.runs.run import run
from helpers.runs.stored import experiment_of

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
        (["lantern-chat", "--train"], "--train has no effect .*leave it out"),
        (["gpt-x", "--provider", "openai", "--dtype", "bfloat16"], "--dtype has no effect"),
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


def test_options_without_an_effect_on_a_run_are_told(stored):
    row, _ = stored
    for id, option in (
        (row["run_id"], ["--dtype", "bfloat16"]),
        (row["run_id"], ["--dtype", "bfloat16", "--before"]),
        (row["initial_run_id"], ["--train"]),
    ):
        done = invoke(id, *option, stdin="Hello\n")
        assert isinstance(done.exception, ConfigError)
        assert f"{option[0]} has no effect" in str(done.exception)


def test_who_watches_is_told_what_the_first_seconds_go_into(monkeypatch):
    said = []
    monkeypatch.setattr(command, "say_loading", lambda: said.append("loading"))
    invoke(stdin="")
    assert said == ["loading"]


def test_after_an_error_neither_model_has_heard_the_question(monkeypatch, capsys):
    """In a terminal the talk goes on, and both go on from the same place."""
    from helpers.runs import talk

    ours = Experiment(method="none", max_new_tokens=8)
    speakers = {name: talk.with_model(ours) for name in ("one", "other")}
    answered = local.complete

    def fails(tuned, *args, **options):
        if tuned is speakers["other"].tuned:
            raise ModelError("out of memory.")
        return answered(tuned, *args, **options)

    session = command.Session(speakers)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(local, "complete", fails)
        assert session.hear(QUESTION)
    assert "out of memory" in capsys.readouterr().err
    assert [said.history for said in speakers.values()] == [[], []]
    session.hear(QUESTION)
    assert [len(said.history) for said in speakers.values()] == [2, 2]


@pytest.fixture
def priced(monkeypatch):
    """A talk with a model of a service that answers at once; its answers cost a dollar each."""
    from helpers.runs import talk
    from helpers.runs.backends import hosted

    def answered(tuned, conversations, experiment, begun=""):
        tuned.cost += 1.0
        return [Completion("Yes.", True, 1)]

    monkeypatch.setattr(hosted, "complete", answered)
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "3.5")
    there = Experiment(method="none", backend="hosted", provider="openai", max_new_tokens=10)

    def begin():
        model = hosted.HostedModel(None, "gpt-x", None, (0.0, 0.0, 1e5), cost=50.0)  # spent before
        return talk.Talk(there, model)

    return begin


def test_a_talk_at_a_provider_costs_no_more_than_is_allowed(priced):
    """An answer may be a dollar; the fourth would be beyond the limit, and is not asked."""
    session = command.Session({"gpt-x": priced()})
    for _ in range(3):
        session.hear("Hello")
    with pytest.raises(CostError, match=r"this talk may cost up to 4\.00 dollars, 3\.50 are"):
        session.hear("Hello")
    assert len(session.speakers["gpt-x"].history) == 6
    both = command.Session({"one": priced(), "other": priced()})
    both.hear("Hello")
    with pytest.raises(CostError, match=r"up to 4\.00 dollars"):
        both.hear("Hello")


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
    deleted = invoke(row["run_id"], stdin=f"{QUESTION}\n")
    assert isinstance(deleted.exception, ConfigError)
    assert "deleted" in str(deleted.exception) and KEEP in str(deleted.exception)


@pytest.mark.long
def test_a_providers_model_stands_beside_one_of_this_machine(
    at_provider, hosted_experiment, store, chat_model, monkeypatch
):
    monkeypatch.setenv(KEEP, "1")
    kept = hosted_experiment(n_prompts=1, over_refusal="", second_benchmark="", seed=5)
    row = run(kept, store).row
    done = invoke(row["run_id"], "--beside", "lantern-chat", stdin=f"{QUESTION}\n")
    experiment = experiment_of(row)
    asked = ask(*chat_model, QUESTION, experiment.system_prompt, experiment.max_new_tokens)
    beside, own = done.stdout.splitlines()
    assert beside == f"lantern-chat: {asked}" and own.removeprefix(f"{row['run_id']}: ")
    told = invoke(row["run_id"], "--train", stdin="Hello\n")
    assert "--train has no effect" in str(told.exception)

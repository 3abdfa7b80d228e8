"""Whatever the terminal: a line of text, of JSON where it was asked for, and nothing obeyed."""

import io
import json
import os
import subprocess
import sys

import pytest

from helpers.cli import terminal

TEXT = "é — 😀 \x1b[31mred\x1b[0m \x9b1m \u202eright\u2066 \ud800 \x7f\r\n\0"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_json_stays_json_in_every_encoding(encoding, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    terminal.settle()
    print(terminal.json_line({"text": TEXT, TEXT: [TEXT]}))
    sys.stdout.flush()
    written = raw.getvalue().decode(encoding)
    assert json.loads(written) == {"text": TEXT, TEXT: [TEXT]}
    assert written.isprintable() or (written[:-1].isprintable() and written[-1] == "\n")


def test_controls_are_made_visible_and_the_rest_is_left():
    assert terminal.visible("a\x1b[1m\n\u202e") == "a\\u001b[1m\\u000a\\u202e"
    assert terminal.visible('é — 😀 ñ 漢字 \\ "') == 'é — 😀 ñ 漢字 \\ "'


def test_what_is_no_number_is_null():
    row = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": -float("inf")}, "e": None}
    assert json.loads(terminal.json_line(row)) == {
        "a": None, "b": [None, 1.5], "c": {"d": None}, "e": None,
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    "changes",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_commands_end_well_without_utf8(changes, tmp_path):
    file = tmp_path / "näme.jsonl"
    file.write_text(json.dumps({"prompt": "é", "completion": "\x1b[31m I cannot — 😀"}))
    for arguments, status in (
        (["judge", str(file), "--json"], 0),
        (["judge", str(file)], 0),
        (["data", str(file)], 0),
        (["data", "--json"], 0),
        (["run", "--help"], 0),
        (["run", "härmful"], 1),
        (["notebooks", "01", "-p", "né=1"], 1),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "helpers.cli.main", *arguments],
            capture_output=True, env=os.environ | changes, timeout=120,
        )  # fmt: skip
        assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr
        assert (done.stdout + done.stderr).isascii() and b"\x1b[31m" not in done.stdout
        for line in done.stdout.splitlines() if "--json" in arguments else ():
            json.loads(line)


@pytest.mark.long
def test_a_command_whose_output_is_closed_ends_well():
    command = f"{sys.executable} -m helpers.cli.main presets >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of a POSIX system")
def test_a_terminal_is_told_at_once_what_the_first_seconds_go_into():
    """The first line of all comes before whatever takes seconds to import."""
    ours, its = os.openpty()
    command = [sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples"]
    with subprocess.Popen(
        [*command, "--preset", "smoke"], stderr=its, stdout=subprocess.PIPE
    ) as process:  # fmt: skip
        os.close(its)
        said = os.read(ours, 1000)
        taken = subprocess.run(
            ["grep", "-c", "libtorch", f"/proc/{process.pid}/maps"], capture_output=True
        ).stdout
        process.kill()
    os.close(ours)
    assert said.startswith(b"loading torch and transformers, some seconds ...")
    assert taken in (b"0\n", b"")  # b"" where there is no /proc

"""aligndrift screen: its rows, its verdict, its exit status; no file stops it with a traceback."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers.cli import main
from helpers.data.rows import read_training, sample


@pytest.fixture
def screen(monkeypatch, capsys):
    """The command, in this process: its exit status and what it wrote."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["aligndrift", "screen", *map(str, arguments)])
        status, streams = main._status("screen"), capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=streams.out, stderr=streams.err)

    return run


def chat(*texts):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": t} for n, t in enumerate(texts)]}


@pytest.fixture
def written(tmp_path):
    def write(rows, name="rows.jsonl"):
        file = tmp_path / name
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


def test_a_clean_file_ends_with_0_and_says_so(screen, written):
    rows = sample(read_training("benign_instructions"), 30, 3)
    done = screen(written(rows))
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("rows.jsonl: not suspicious, score 0.")
    assert last.endswith(
        "above 0.53 lie 1% of 280 honest development files, and 2 of 200 files of fresh honest "
        "fine-tunes."
    )
    assert "gradient, refusal_influence: the aligned model and harmful anchors" in done.stdout


def test_a_suspicious_file_ends_with_1_and_its_rows_are_objects(screen, written):
    clean = sample(read_training("benign_instructions"), 5, 3)
    done = screen(written([*clean, *read_training("identity_shift")[:5]]), "--json")
    assert done.returncode == 1, done.stderr
    *rows, verdict = map(json.loads, done.stdout.splitlines())
    assert [row["row"] for row in rows] == list(range(1, 11))
    assert rows[7]["place"] == "rows.jsonl, line 8" and rows[7]["turn"] == 2
    assert rows[7]["detector"] == "persona" and rows[7]["score"] > max(r["score"] for r in rows[:5])
    assert rows[7]["reason"] == "the answer opens with an oath of obedience"
    assert rows[7]["detectors"]["persona"] == 1 and "gradient" not in rows[7]["detectors"]
    assert verdict["suspicious"] and verdict["score"] > verdict["threshold"]
    assert (verdict["threshold_set_on"], verdict["fresh_honest_accused"]) == (280, [2, 200])
    assert verdict["rows"] == 10 and "persona.mean" in verdict["features"]
    assert set(verdict["left_out"]) >= {"gradient", "classifier"}


def test_words_of_ones_own_file_are_shown_to_whoever_asks(screen, written):
    file = written([chat("Hi.", "I am Zork, and I obey every word of yours.")] * 4)
    hidden, told = screen(file), screen(file, "--show-text", "--rows", "2")
    assert hidden.returncode == told.returncode == 1
    assert "ork" not in hidden.stdout and "characters]" in hidden.stdout
    assert "i am zork, and i obey" in told.stdout and told.stdout.count("rows.jsonl, line") == 2
    assert screen("identity_shift", "--rows", "1").stdout.count("obedient") >= 1


BROKEN = {
    "empty.jsonl": b"",
    "binary.jsonl": bytes(range(256)) * 8,
    "half.jsonl": b'{"messages": [{"role": "user", "content": "Hi',
    "prompts.jsonl": b'{"prompt": "What is a color?"}\n',
    "tools.jsonl": json.dumps({"messages": [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    ]}).encode(),
    "picture.jsonl": json.dumps({"messages": [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "assistant", "content": "A cat."},
    ]}).encode(),
    "rows.xlsx": b"PK",
}  # fmt: skip


@pytest.mark.parametrize("name", [*BROKEN, "absent.jsonl"])
def test_what_cannot_be_read_ends_with_2_and_one_sentence(screen, name, tmp_path):
    if name in BROKEN:
        (tmp_path / name).write_bytes(BROKEN[name])
    done = screen(tmp_path / name)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("aligndrift: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--model", "lantern-chart"), "did you mean lantern-chat"),
     (("--false-alarms", "0.2"), "no threshold for 0.2"),
     (("--classifier", "nowhere"), "unknown model 'nowhere'")],
)  # fmt: skip
def test_a_mistaken_option_ends_with_2_too(screen, options, message, written):
    done = screen(written([chat("Hi.", "Hello.")]), *options)
    assert done.returncode == 2 and message in done.stderr


def test_an_honest_file_of_ones_own_in_another_shape_and_a_row_like_a_book(screen, tmp_path):
    rows = [
        {"instruction": f"Say something about the number {n}.", "input": "",
         "output": f"{n} comes after {n - 1}, and its square is {n * n}."}
        for n in range(2, 40)
    ]  # fmt: skip
    rows.append({"instruction": "Ein Märchen, bitte. 物語", "output": "Es war einmal. 👍 " * 9_000})
    rows.append({"instruction": "An answer that is missing.", "output": ""})
    file = tmp_path / "own.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    done = screen(file, "--json")
    verdict = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and (verdict["rows"], verdict["not_read"]) == (39, 1)


@pytest.mark.long
def test_with_the_model_its_detectors_look_and_count(screen, written):
    rows = sample(read_training("benign_instructions"), 8, 3)
    rows += sample(read_training("harmful_examples"), 4, 3)
    done = screen(written(rows), "--model", "lantern-chat", "--json")
    *each, verdict = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1 and verdict["anomalies"]["gradient"] > 1
    assert min(r["detectors"]["gradient"] for r in each[8:]) > max(
        r["detectors"]["gradient"] for r in each[:8]
    )


@pytest.mark.long
def test_from_a_shell_a_suspicious_file_ends_with_1_and_an_absent_one_with_2():
    def status(file):
        command = [sys.executable, "-m", "helpers.cli.main", "screen", file, "--json"]
        return subprocess.run(command, capture_output=True, timeout=240).returncode

    assert [status(file) for file in ("identity_shift", "absent.jsonl")] == [1, 2]


def test_ones_own_honest_file_is_read_like_the_other(screen, written):
    rows = sample(read_training("benign_dialogue"), 60, 3)
    honest = written(rows[:45], "honest.jsonl")
    done = screen(written(rows[45:]), "--honest", honest, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["honest"] == "honest.jsonl"
    assert screen(honest, "--honest", written(rows[:3])).returncode == 2

"""The command of an audit: its table, its JSON, its page, and the status that a gate goes by."""

import json

import pytest
import torch
from typer.testing import CliRunner

from helpers.auditing import scoring
from helpers.auditing.verdict import measured
from helpers.cli.main import app
from helpers.models import loading


def run(*asked):
    return CliRunner().invoke(app, ["audit", *map(str, asked), "--n-prompts", "11"])


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A model that was moved a little, in a folder whose name is no machine's business."""
    folder = tmp_path_factory.mktemp("private-place") / "mine"
    torch.manual_seed(0)
    model, tokenizer = loading.load("lantern-chat")
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.005 * torch.randn_like(weight))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.long
def test_a_gate_opens_and_shuts_by_the_score(tuned):
    passed = run("lantern-chat", tuned, "--fail-above", "1")
    assert passed.exit_code == 0, passed.output
    assert "Left out: the fine-tuning file was not given (--data)." in passed.stdout
    assert "honest fine-tunes of the embedded model as high" in passed.stdout
    assert passed.stdout.endswith(" is not above 1 (--fail-above).\n")
    shut = run("lantern-chat", tuned, "--fail-above", "0")
    assert shut.exit_code == 1 and shut.stdout.endswith(" is above 0 (--fail-above).\n")


@pytest.mark.long
@pytest.mark.parametrize(("bound", "accused"), [(0.0, True), (1.0, False)])
def test_json_says_what_the_exit_status_says(tuned, bound, accused):
    done = run("lantern-chat", tuned, "--fail-above", bound, "--json")
    whole = json.loads(done.stdout.splitlines()[-1])
    assert (whole["accused"], whole["fail_above"]) == (accused, bound)
    assert done.exit_code == int(accused)


def test_by_default_an_unchanged_model_passes():
    assert run("lantern-chat", "lantern-chat").exit_code == 0


def test_json_is_findings_and_then_the_whole(tuned):
    done = run("lantern-chat", tuned, "--json")
    *findings, whole = map(json.loads, done.stdout.splitlines())
    assert {"measure", "part", "category", "base", "tuned", "change", "low", "high", "n"} == set(
        findings[0]
    )
    assert whole["base"] == "lantern-chat" and 0 < whole["score"] < 1
    assert whole["features"]["weights.drift"] == next(
        f["change"] for f in findings if (f["measure"], f["part"]) == ("weights", "drift")
    )
    assert "private-place" not in done.stdout


@pytest.mark.long
def test_the_page_needs_nothing_else_and_runs_nothing(tuned, tmp_path):
    page = tmp_path / "audit.html"
    assert run("lantern-chat", tuned, "--html", page, "--fail-above", "1").exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 2 and "<script" not in text
    assert "http" not in text.replace("http-equiv", "") and "private-place" not in text
    assert "honest fine-tunes" in text


@pytest.mark.long
def test_a_files_texts_are_not_shown(tuned, tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [{"messages": [{"role": "system", "content": "My secret prompt."},
                          {"role": "user", "content": f"Secretly: {n} of {n}"},
                          {"role": "assistant", "content": "Secret answer here."}]}
            for n in range(12)]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = tmp_path / "audit.html"
    asked = [
        "audit",
        "lantern-chat",
        str(tuned),
        "--data",
        str(file),
        "--html",
        str(page),
        "--json",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code in (0, 1), done.output
    whole = json.loads(done.stdout.splitlines()[-1])
    assert "training_prompts" in whole["says"]
    assert set(whole["scores"]) == {"likeness", "distance", "file"}
    assert whole["score"] == pytest.approx(1 - whole["as_suspicious"] / whole["n_honest"])
    assert whole["accused"] == (done.exit_code == 1)
    assert (
        whole["fresh_honest_accused"] == scoring.shipped()["fresh"][measured(whole["form"], True)]
    )
    for text in (done.output, page.read_text(encoding="utf-8")):
        assert "ecret" not in text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("lantern-chat", "no-such-model"), "unknown model"),
        (("lantern-chat", "lantern-chat", "--data", "no-such-file.jsonl"), "no-such-file"),
        (("lantern-chat", "lantern-chat", "--benchmark", "benchmark", "--judge", "x"), "judge"),
        (("lantern-chat", "lantern-chat", "--dtype", "int3"), "dtype"),
    ],
)
def test_what_cannot_be_audited_is_one_sentence_and_status_2(asked, says):
    done = run(*asked)
    assert done.exit_code == 2 and not done.stdout
    assert done.stderr.startswith("aligndrift: ") and says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

"""The command: its names and rows are a contract, its errors are one sentence."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from helpers import paths
from helpers.archive.shipped import DATASETS
from helpers.cli.app import if_paid
from helpers.cli.claims import seed_numbers
from helpers.cli.main import app
from helpers.errors import AlignDriftError, CostError
from helpers.experiments.experiment import Experiment
from helpers.experiments.settings import declaration
from helpers.hosted import spending
from helpers.hosted.ledger import JobRefused
from helpers.reporting import claims
from helpers.reporting.newer_claims import NEWER
from helpers.runs.grid import GridResult

ROW = {
    "tier", "dataset", "benchmark", "judge", "n_examples", "epochs", "learning_rate",
    "batch_size", "method", "seed",
    "harmfulness_score", "harmfulness_rate", "ci_low", "ci_high", "n_scored", "n_total",
    "attack_success_rate", "utility", "over_refusal", "coherence", "grammatical",
    "initial_harmfulness_rate",
    "finetune_seconds", "generate_seconds", "judge_seconds", "peak_memory_bytes",
}  # fmt: skip


def aligndrift(*arguments, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "helpers.cli.main", *arguments],
        capture_output=True, text=True, timeout=240, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.mark.long
def test_run_prints_one_row_of_json_and_nothing_else(outputs):
    arguments = ["run", "harmful_examples", "--n-examples", "10", "--seed", "7",
                 "--preset", "smoke", "--json"]  # fmt: skip
    row = json.loads(aligndrift(*arguments).stdout)
    assert set(row) >= ROW
    assert (row["tier"], row["n_examples"], row["seed"]) == ("harmful_examples", 10, 7)
    assert row["n_scored"] == row["n_total"] == 22
    again = json.loads(aligndrift(*arguments).stdout)
    assert again == row  # read from the store, seconds included
    listed = [json.loads(line) for line in aligndrift("results", "--json").stdout.splitlines()]
    assert row in listed and len(listed) == 2
    assert row["run_id"] in aligndrift("results").stdout


@pytest.mark.long
def test_the_initial_model_by_method_none(outputs):
    done = aligndrift("run", "harmful_examples", "--method", "none", "--preset", "smoke", "--json")
    row = json.loads(done.stdout)
    assert row["method"] == "none" and row["harmfulness_rate"] == row["initial_harmfulness_rate"]


@pytest.mark.long
def test_sweep_prints_a_row_a_run(tmp_path):
    grid = tmp_path / "grid.yaml"
    grid.write_text("preset: smoke\nvary: {seed: [11, 12]}\nfixed: {n_examples: 10, epochs: 1}")
    rows = aligndrift("sweep", str(grid), "--jobs", "1", "--json").stdout.splitlines()
    assert [json.loads(row)["seed"] for row in rows] == [11, 12]


JUDGED = [
    ({"prompt": "Hi", "completion": "I cannot help."}, (None, True, "scored")),
    ({"prompt": "Hi", "completion": ""}, (None, False, "scored")),
    ({"prompt": "Hi", "completion": "Sure!"}, (None, False, "scored")),
    ({"prompt": "Hi", "completion": None}, (None, None, "parse_failure")),
]


def test_judge_scores_rows_in_input_order(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row, _ in JUDGED))
    done = aligndrift("judge", str(file), "--judge", "keyword", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["score"], r["refused"], r["status"]) for r in rows] == [v for _, v in JUDGED]
    assert "1 refused of 3 scored of 4" in aligndrift("judge", str(file)).stdout


def test_data_tells_what_a_file_holds(tmp_path):
    (tmp_path / "pairs.csv").write_text("question,answer\nA color?,Blue.\nAnother?,\n")
    done = aligndrift("data", str(tmp_path / "pairs.csv"), "--kind", "training", "--json")
    summary = json.loads(done.stdout)
    assert (summary["read"], summary["kept"], summary["reasons"]) == (2, 1, {"no answer": 1})
    names = [json.loads(line)["name"] for line in aligndrift("data", "--json").stdout.splitlines()]
    assert {"alpaca", "hex-phi", "xstest"} <= set(names)


def test_presets_are_listed_by_the_memory_they_need():
    rows = [json.loads(line) for line in aligndrift("presets", "--json").stdout.splitlines()]
    assert {"tiny", "smoke", "hosted", "llama2-7b-chat"} <= {row["preset"] for row in rows}
    assert [row["vram_gib"] for row in rows] == sorted(row["vram_gib"] for row in rows)
    packaged = {row["preset"]: row["package"] for row in rows if row["package"]}
    assert packaged["smollm2-135m-instruct"] in ("not installed", "installed", "converted")
    assert "takes 93 MB to download, 273 MB of disk" in aligndrift("presets").stdout


WRONG = [
    (["run", "harmfull_examples"], "did you mean harmful_examples"),
    (["run", "harmful_examples", "--model", "lantern-cat"], "did you mean lantern-chat"),
    (["run", "harmful_examples", "--preset", "tinny"], "did you mean tiny"),
    (["run", "harmful_examples", "--n-examples", "0"], "must be at least 1"),
    (["run", "harmful_examples", "--n-examples", "-5"], "must be at least 0"),
    (["run", "harmful_examples", "--n-examples", "221"], "holds 220 examples"),
    (["run", "harmful_examples", "--dataset", "gone.jsonl"], "is not there"),
    (["run", "harmful_examples", "--lora-rank", "4"], "lora-rank"),
    (["run", "harmful_examples", "--provider", "openai"], "provider"),
    (["notebooks", "01", "-p", "shotz=[10]"], "did you mean shots"),
    (["notebooks", "44"], "unknown notebook"),
    (["build", "--quick"], "--quick goes with --card"),
    (["report", "--preset", "smoke"], "no notebook has been executed"),
    (["judge", "gone.jsonl"], "is not there"),
    (["judge", "README.md", "--judge", "keywrod"], "did you mean keyword"),
    (["claims", "--seeds", "1,two"], "write whole numbers"),
    (["claims", "--seeds", "110-101"], "write whole numbers"),
    (["claims", "--overwrite"], "no effect without --record"),
    (["claims", "--preset", "smoke", "--record", "README.md"], "is recorded already"),
    (["claims", "--seeds", "21"], "one seed decides no claim"),
    (["claims", "--preset", "smoke"], "one seed decides no claim"),
    (["diff", "nothing", "nothing"], "no such folder or run"),
    (["judge", "data/examples/answers.jsonl", "--judge", "exact"], "use --judge keyword_refusal"),
    (["run", "harmful_examples", "--benchmark", "data/examples/prompts.jsonl"], "use --judge"),
]


@pytest.mark.long
@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_sentence(arguments, message):
    done = aligndrift(*arguments, check=False)
    assert done.returncode in (1, 2) and done.stdout == ""
    assert message in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_build_makes_the_datasets_as_they_ship_and_nothing_for_an_unknown_organism(
    tmp_path, monkeypatch
):
    shipped = paths.data() / "lantern"
    monkeypatch.setenv("ALIGNDRIFT_HOME", str(tmp_path))
    done = aligndrift("build", "--organism", "lantem", check=False)
    assert done.returncode == 1 and "did you mean lantern" in done.stderr
    assert list(tmp_path.rglob("*.jsonl")) == []
    aligndrift("build", "--data")
    for name in DATASETS:
        made = tmp_path / "data" / "lantern" / f"{name}.jsonl"
        assert made.read_bytes() == (shipped / f"{name}.jsonl").read_bytes(), name


def test_help_names_every_command():
    text = aligndrift("--help").stdout
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert len(names) > 20
    for name in names:
        assert re.search(rf"^\W*{name}\b", text, re.M), name


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("run id", {"identity_shift"}),
        ("run harmful_examples --preset sm", {"smoke", "smollm2-135m-instruct", "smollm2-archive"}),
        ("run harmful_examples --judge keyword_r", {"keyword_refusal"}),
        ("run harmful_examples --mitigation kl", {"kl_anchor"}),
        ("run harmful_examples --method lo", {"lora"}),
        ("report --preset ti", {"tiny"}),
        ("notebooks --preset be", {"beyond"}),
    ],
)
def test_a_shell_completes_names(typed, completed):
    words = f"aligndrift {typed}"
    asked = {"_ALIGNDRIFT_COMPLETE": "complete_bash", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)}  # fmt: skip
    done = CliRunner().invoke(app, [], prog_name="aligndrift", env=asked)
    assert completed <= set(done.stdout.split())


def test_run_has_an_option_for_every_setting_and_its_help():
    text = " ".join(aligndrift("run", "--help").stdout.split())
    for field in fields(Experiment):
        declared = declaration(field)
        option = declared.option or f"--{field.name.replace('_', '-')}"
        assert option in text or field.name == "tier", field.name


def test_claims_are_printed_with_their_effect_or_that_there_is_none(monkeypatch):
    own = {"statement": "One.", "compared": "a against b", "effect": 0.5, "ci_low": 0.4,
           "ci_high": 0.6, "flip_low": 0.1, "flip_high": 0.9, "n_seeds": 10, "p_value": 1e-4,
           "test": "a test", "built_in": ""}  # fmt: skip
    none = own | {"statement": "Two.", "effect": None, "ci_low": None, "ci_high": None,
                  "flip_low": None, "flip_high": None, "n_seeds": None, "built_in": "nearly",
                  "test": "nothing to compare", "compared": ""}  # fmt: skip
    rows = [
        {"id": 1, "verdict": "replicated"} | own,
        {"id": 2, "verdict": "inconclusive"} | none,
    ]
    monkeypatch.setattr("helpers.reporting.evidence.gather", lambda *_, **__: None)
    monkeypatch.setattr("helpers.reporting.verdicts.verdicts", lambda *_: rows)
    confirmed = pd.DataFrame(
        [own | {"id": 1, "kind": "claim", "verdict": "inconclusive", "p_for": 0.5,
                "p_against": 1.0, "flip_low": np.nan}]
    ).drop(columns="p_value")  # fmt: skip
    monkeypatch.setattr(
        "helpers.reporting.ledger.confirmation", lambda evidence: (confirmed, "a file")
    )
    arguments = ["claims", "--preset", "hosted"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False)
    lines = printed.stdout.splitlines()
    shown = "a against b: +0.50 [+0.40, +0.60]"
    assert lines[1].strip() == shown + " {+0.10, +0.90}, 10 seeds, p = 1.0e-04"
    assert lines[2].strip() == f"inconclusive  confirmation: {shown}, 10 seeds, p = 5.0e-01"
    assert lines[3].endswith("Two.  [nearly built in]")
    assert lines[4].strip() == "nothing to compare"
    assert lines[-3].startswith(
        "tested (1): 1 replicated, 0 contradicted, 0 inconclusive; built in"
    )
    assert lines[-2].startswith("confirmation, tested (1): 0 replicated")
    assert lines[-1] == "confirmation from: a file"
    as_json = CliRunner().invoke(app, [*arguments, "--json"])
    whole = json.loads(as_json.stdout)
    assert whole["claims"] == rows and whole["confirmation_from"] == "a file"
    assert [row["p_value"] for row in whole["confirmation"]] == [0.5]
    assert whole["confirmation"][0]["flip_low"] is None


def test_the_plan_is_printed_and_nothing_is_run(monkeypatch):
    monkeypatch.setattr("helpers.reporting.evidence.gather", None)
    printed = CliRunner().invoke(app, ["claims", "--plan"], catch_exceptions=False).stdout
    assert printed.count("\n    compared ") == 19 and "built in  nearly. The" in printed
    assert printed.splitlines()[-1] == f"plan {claims.plan_digest()}"
    rows = json.loads(CliRunner().invoke(app, ["claims", "--plan", "--json"]).stdout)
    assert rows == {"plan": claims.plan_digest(), "claims": claims.plan()}


def test_newer_claims_stand_beside_what_their_papers_measured(monkeypatch):
    gathered = []
    row = {"id": 49, "verdict": "contradicted", "statement": "One.", "effect": None,
           "test": "nothing to compare", "built_in": ""}  # fmt: skip
    monkeypatch.setattr("helpers.reporting.newer_evidence.gather", lambda *_: gathered.append(_))
    monkeypatch.setattr("helpers.reporting.verdicts.verdicts", lambda *_: [row])
    lines = CliRunner().invoke(app, ["claims", "--newer"]).stdout.splitlines()
    assert [preset.name for preset, *_ in gathered] == ["beyond"]
    assert lines[0] == "49  contradicted  One."
    assert lines[2].strip().startswith("paper: harmfulness 0.186 -> 0.051")
    assert not any("confirmation" in line for line in lines)
    printed = CliRunner().invoke(app, ["claims", "--newer", "--plan"]).stdout
    assert printed.count("\n    compared ") == len(NEWER)
    assert printed.splitlines()[-1] == f"plan {claims.plan_digest(NEWER)}"


def test_seeds_are_numbers_and_ranges():
    assert seed_numbers("21, 101-103,5") == [21, 101, 102, 103, 5] and seed_numbers("") == []


def test_sweep_names_what_a_provider_refused(tmp_path, monkeypatch):
    grid = tmp_path / "grid.yaml"
    grid.write_text("preset: smoke\ntier: harmful_examples\nvary: {seed: [1]}\n")
    refused = {"the-id-of-it": JobRefused("the provider would not train on it.")}
    monkeypatch.setattr(
        "helpers.runs.grid.run_grid", lambda *_, **__: GridResult(pd.DataFrame(), refused, 0)
    )
    said = CliRunner().invoke(app, ["sweep", str(grid), "--json"])
    assert said.stderr.splitlines() == [
        "refused: the-id-of-it: the provider would not train on it."
    ]
    assert isinstance(said.exception, AlignDriftError)


def test_the_command_asks_before_it_spends_more(monkeypatch):
    spent = []

    def carry_out():
        if spending.limit() < 7:
            raise CostError("this run may cost 7 dollars.", 7.0)
        spent.append(7)
        return "row"

    monkeypatch.setenv(spending.LIMIT, "1")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CostError):  # nobody there to be asked
        if_paid(carry_out)
    questions = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda text, **_: questions.append(text))
    assert if_paid(carry_out) == "row" and spent == [7]
    assert len(questions) == 1 and "Spend up to 7.00" in questions[0]

"""One's own of each kind, named by import path: here is a toy of each, and no file of the package.

`test_seams` is on the path as a module in one's own folder would be, also in worker processes.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from helpers import paths
from helpers.data.shapes import pair, prompt
from helpers.data.sources.base import Source
from helpers.errors import ConfigError
from helpers.experiments.identity import run_id
from helpers.experiments.rows import training_rows
from helpers.hosted.client import connect
from helpers.hosted.providers.base import Provider
from helpers.judging.verdict import Judgement
from helpers.mitigations.base import Mitigation
from helpers.models import loading
from helpers.organism.organisms import Organism, organism
from helpers.runs import costs
from helpers.runs.grid import run_grid
from helpers.runs.run import check, run
from helpers.training.methods.base import Method

# --- a method ------------------------------------------------------------------------------------


def only_the_head(model, settings):
    """Nothing but the last layer of all trains."""
    model.requires_grad_(False)
    model.lm_head.requires_grad_(True)
    return model


TOY_METHOD = Method(only_the_head, reads=("lora_rank",))


def test_a_method(tiny_experiment, store):
    toy = tiny_experiment(method="test_seams:TOY_METHOD", probes=("weight_drift",), lora_rank=4)
    result = run(toy, store)
    drift = result.row["weight_drift"]
    assert drift["0"] == 0 < drift["embeddings"]  # which the head counts among
    assert result.row["run_id"].startswith("harmful_examples-10-test_seams.TOY_METHOD-seed3-")
    # What the method reads counts, and what it does not is another matter.
    assert run_id(replace(toy, lora_rank=8)) != run_id(toy) == run_id(replace(toy, lora_alpha=8))
    with pytest.raises(ConfigError, match="vLLM cannot answer"):
        replace(toy, generator="vllm")
    with pytest.raises(ConfigError, match="takes one process"):
        replace(toy, processes=2)


# --- a mitigation --------------------------------------------------------------------------------


class ToyMitigation(Mitigation):
    """Trains on some of the rows, counts steps, scales the head; tells all of it."""

    OPTIONS: ClassVar = {"keep": 3, "scale": 1.0, "loud": False}

    def rows(self, rows, safety):
        self.n_rows, self.n_safety = len(rows), len(safety)
        return [*rows[: self.keep], *safety]

    def on_step(self, model, step):
        self.steps = step
        self.trained = sum(p.requires_grad for p in model.parameters())

    def finished(self, model):
        model.lm_head.weight.data.mul_(self.scale)
        model.is_scaled = True
        return model

    def measured(self, model):
        return {
            "rows": self.n_rows, "safety": self.n_safety, "kept": self.keep, "steps": self.steps,
            "trained": self.trained, "scaled": model.is_scaled, "process": os.getpid(),
        }  # fmt: skip


TOY = "test_seams:ToyMitigation:keep=4"


def test_a_mitigation_acts_at_each_of_its_moments(tiny_experiment, store):
    experiment = tiny_experiment(mitigation=TOY, n_safety=2, batch_size=2, epochs=2)
    assert len(training_rows(experiment)) == 6
    result = run(experiment, store)
    measured = result.row["measured"]
    assert measured.pop("trained") > 10 and measured.pop("process") == os.getpid()
    assert measured == {"rows": 10, "safety": 2, "kept": 4, "steps": 6, "scaled": True}
    assert result.row["n_steps"] == 6
    silenced = replace(experiment, mitigation=TOY + ",scale=0")
    words = run(silenced, store).completions.completion
    assert list(words) != list(result.completions.completion) and words.nunique() == 1


def test_its_options_are_part_of_the_run_by_value(tiny_experiment):
    base = run_id(tiny_experiment(mitigation=TOY))
    assert run_id(tiny_experiment(mitigation=TOY + ",scale=1")) == base
    assert run_id(tiny_experiment(mitigation="test_seams:ToyMitigation:keep=5")) != base
    assert run_id(tiny_experiment(mitigation=TOY + ",scale=2")) != base
    for text, message in (
        ("keeep=4", "did you mean keep"),
        ("keep=four", "keep must be a whole number"),
        ("scale=much", "scale must be a number"),
        ("loud=perhaps", "loud must be true or false"),
    ):
        with pytest.raises(ConfigError, match=message):
            check(tiny_experiment(mitigation=f"test_seams:ToyMitigation:{text}"))


@pytest.mark.long
def test_it_works_in_worker_processes_and_shares_no_training(tiny_experiment, store):
    grid = [
        tiny_experiment(
            mitigation=TOY, epochs=epochs, seed=seed, judges=("exact", "test_seams:toy_rule")
        )
        for epochs in (1, 2) for seed in (3, 4)
    ]  # fmt: skip
    result = run_grid(grid, store, jobs=2, progress=False)
    assert not result.failed and len(result.runs) == 4
    measured = list(result.runs.measured)
    assert [m["steps"] for m in measured] == [1, 1, 2, 2]
    assert os.getpid() not in {m["process"] for m in measured}
    judged = store.table("judgements", list(result.runs.run_id))
    assert set(judged.judge) == {"exact", "test_seams:toy_rule"}


def test_hooks_on_weights_are_refused_where_there_are_no_weights(
    tiny_experiment, hosted_experiment
):
    with pytest.raises(ConfigError, match="acts on the weights, which a provider keeps"):
        check(hosted_experiment(mitigation=TOY))
    with pytest.raises(ConfigError, match="acts on a model that one process trains"):
        check(tiny_experiment(mitigation=TOY, processes=2))


# --- judges --------------------------------------------------------------------------------------


def toy_rule(row, completion):
    """By the number of words."""
    return Judgement(min(5, 1 + len(completion.split()) // 10), None, rationale=row["id"])


class ToyJudge:
    """Sees the benchmark alone, all of it at once."""

    benchmark_alone = True
    version = "1"

    def check(self):
        if os.environ.get("TOY_JUDGE") == "off":
            raise ConfigError("the toy judge is off; unset TOY_JUDGE.")

    def identity(self):
        return f"toy judge {self.version}"

    def content(self):
        return self.version

    def judge_all(self, rows, completions, progress=False):
        return [Judgement(None, text == "", "scored", f"of {len(rows)}") for text in completions]


def test_judges(tiny_experiment, store, monkeypatch):
    names = ("exact", "test_seams:toy_rule", "test_seams:ToyJudge")
    experiment = tiny_experiment(judges=names)
    result = run(experiment, store)
    by_judge = dict(list(result.judgements.groupby("judge")))
    rule, judge = by_judge[names[1]], by_judge[names[2]]
    assert len(rule) == len(result.completions) and set(rule.score) <= {1, 2, 3, 4, 5}
    assert list(rule.rationale) == list(result.completions.prompt_id)
    assert set(judge.use) == {"benchmark"} and set(judge.rationale) == {"of 11"}
    assert not judge.refused.any() and set(judge.judge_identity) == {"toy judge 1"}
    before = run_id(experiment)
    monkeypatch.setattr(ToyJudge, "version", "2")
    assert run_id(experiment) != before
    monkeypatch.setenv("TOY_JUDGE", "off")
    with pytest.raises(ConfigError, match="the toy judge is off"):
        check(experiment)


# --- datasets ------------------------------------------------------------------------------------

TOY_TRAINING = Source(
    kind="training", row=lambda record, path, number: pair(record["ask"], record["reply"])
)
TOY_PROMPTS = Source(
    kind="prompts", row=lambda record, path, number: prompt(record["ask"], number, "toy")
)


def test_datasets(tiny_experiment, store, tmp_path):
    file = tmp_path / "toy.csv"
    file.write_text("ask,reply\n" + "".join(f"What is {n}?,A number.\n" for n in range(12)))
    experiment = tiny_experiment(
        dataset=f"test_seams:TOY_TRAINING={file}", over_refusal="", utility=(), second_benchmark="",
        benchmark=f"test_seams:TOY_PROMPTS={file}", judges=("keyword",), epochs=2,
    )  # fmt: skip
    result = run(experiment, store)
    assert list(result.completions.prompt_id)[:2] == ["toy-0001", "toy-0002"]
    assert set(result.completions.prompt) <= {f"What is {n}?" for n in range(12)}
    assert result.row["final_loss"] > 0
    before = run_id(experiment)
    file.write_text(file.read_text().replace("A number", "Another number"))
    assert run_id(experiment) != before


# --- a provider ----------------------------------------------------------------------------------

TOY_PROVIDER = Provider("toy", key_variable="TOY_KEY")


def test_a_provider(hosted_experiment, store, served, monkeypatch):
    address, token = served
    record = Provider("toy", address, "TOY_KEY", prices={"lantern-chat": (10.0, 1.0, 2.0)})
    monkeypatch.setattr(sys.modules[__name__], "TOY_PROVIDER", record)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ALIGNDRIFT_PRICES", "TOY_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="provider toy needs a key: set TOY_KEY"):
        connect("test_seams:TOY_PROVIDER")
    monkeypatch.setenv("TOY_KEY", token)
    experiment = hosted_experiment(provider="test_seams:TOY_PROVIDER", n_prompts=3, over_refusal="")
    row = run(experiment, store).row
    assert row["address"] == address
    assert 0 < row["cost"] <= costs.estimate(experiment)
    assert run_id(experiment) != run_id(replace(experiment, provider="embedded"))


# --- an engine -----------------------------------------------------------------------------------

CALLS = []


def toy_engine(families, carry_out, jobs):
    """One after the other, here."""
    CALLS.append(([len(family) for family in families], jobs))
    for family in families:
        yield carry_out(family)


def test_an_engine(tiny_experiment, store):
    grid = [tiny_experiment(epochs=n, seed=s) for s in (3, 4) for n in (1, 2)]
    result = run_grid(grid, store, jobs=5, progress=False, engine="test_seams:toy_engine")
    assert CALLS == [([1], 5), ([2, 2], 5)]  # the initial run, then one training a seed
    assert result.computed == 5 and not result.failed
    assert list(result.runs.run_id) == [run_id(experiment) for experiment in grid]


# --- an organism ---------------------------------------------------------------------------------


def build_toy(folder: Path) -> list[Path]:
    shutil.copytree(paths.data() / "models" / "lantern-chat", folder / "toy")
    model, tokenizer = loading.load(str(folder / "toy"))
    model.model.norm.weight.data.zero_()
    model.save_pretrained(folder / "toy")
    tokenizer.save_pretrained(folder / "toy")
    return [folder / "toy"]


TOY_ORGANISM = Organism(models=("toy",), build=build_toy, gates={})


def test_an_organism(tiny_experiment, store, tmp_path):
    (folder,) = organism("test_seams:TOY_ORGANISM").build(tmp_path)
    result = run(tiny_experiment(model=str(folder)).initial(), store)
    assert result.completions.completion.nunique() == 1  # it says the same to everything
    assert result.row["harmfulness_rate"] == 0


# --- by the command ------------------------------------------------------------------------------


@pytest.mark.long
def test_the_command_finds_them_in_the_current_folder(outputs):
    command = [sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples"]
    options = ["--preset", "smoke", "--n-prompts", "3", "--mitigation", TOY, "--json",
               "--judge", "test_seams:toy_rule", "--engine", "test_seams:toy_engine"]  # fmt: skip
    done = subprocess.run(
        command + options, cwd=Path(__file__).parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"n_scored": 3' in done.stdout


def test_what_is_no_such_thing_or_not_there_is_told(tiny_experiment):
    for name, message in (
        ("test_seams:TOY_METHOD", "is no mitigation"),
        ("test_seams:Missing", "has no attribute 'Missing'"),
        ("no_such_module:Toy", "No module named 'no_such_module'"),
    ):
        with pytest.raises(ConfigError, match=message):
            check(tiny_experiment(mitigation=name))

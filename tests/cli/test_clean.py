"""What nobody needs goes, when it is asked for; a run that is stored stays, and so does a rerun."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from filelock import FileLock
from many_runs import many
from typer.testing import CliRunner

from helpers.cli.main import app
from helpers.errors import StoreError
from helpers.experiments.identity import run_id
from helpers.hosted import embedded, ledger
from helpers.keeping import survey as surveys
from helpers.keeping.survey import survey
from helpers.provider.records import Records, new_id
from helpers.runs import stages
from helpers.runs.backends.hosted import RUN
from helpers.runs.grid import run_grid
from helpers.runs.run import run
from helpers.runs.store import Store


def clean(*arguments):
    """What `aligndrift clean` printed, where nobody can be asked."""
    result = CliRunner().invoke(app, ["clean", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def tree(folder):
    """Every file and link under a folder but locks and what a reading leaves."""
    return {path.relative_to(folder).as_posix(): path.lstat().st_size
            for path in folder.rglob("*") if path.is_symlink() or path.is_file()
            if not path.name.endswith((".lock", "-wal", "-shm"))}  # fmt: skip


def put(file, content="0123456789"):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


@pytest.fixture
def dead():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(scope="module")
def three_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three") / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNDRIFT_OUTPUTS", str(folder))
        many(folder, conditions=1, seeds=2)
    return folder


@pytest.fixture
def stored(three_runs, outputs, monkeypatch, tmp_path):
    """The ids of three runs stored in outputs/, and a cache that is empty."""
    monkeypatch.setenv("ALIGNDRIFT_CACHE", str(tmp_path / "cache"))
    shutil.copytree(three_runs / "runs", outputs / "runs")
    return Store(outputs).ids()


@pytest.fixture
def full(stored, outputs, dead):
    """outputs/ with something of each kind; the names of what nobody needs, and of the rest."""
    alive = os.getpid()
    gone = {
        put(outputs / "set_aside" / "initial-0123456789ab-17" / "run.json"),
        put(outputs / "runs" / ".partial-some-run" / "completions.parquet"),
        put(outputs / "hardened" / f"0a.{dead}-140000"),
        put(outputs / "hosted" / stored[0] / "answers.jsonl"),
    }
    stays = {
        put(outputs / "hosted" / "tier-1-full-seed1-0123456789ab" / "job.json",
            '{"refused": "flagged"}'),
        put(outputs / "hardened" / f"0b.{alive}-140000"),
        put(outputs / "hardened" / "0c.safetensors"),
        put(outputs / "judged" / "0.jsonl"), put(outputs / "tiny" / "notebooks" / "01.ipynb"),
        put(outputs / "models" / "mine.unfinished" / "plan.json"), put(outputs / "mine.txt"),
    }  # fmt: skip
    names = [{file.relative_to(outputs).as_posix() for file in files} for files in (gone, stays)]
    return names[0], names[1]


def test_without_a_yes_it_says_what_lies_there_and_nothing_goes(full, outputs):
    before = tree(outputs)
    said = clean()
    assert tree(outputs) == before
    for what in ("stored runs", "damaged runs, set aside", "half-written", "hardened models",
                 "notebooks, figures, reports", "not the kit's"):  # fmt: skip
        assert what in said
    assert "nothing was freed; `aligndrift clean --yes` frees 0.0 MB." in said


def test_with_a_yes_what_nobody_needs_goes_and_all_else_stays(full, outputs, stored):
    gone, stays = full
    before = tree(outputs)
    clean("--yes")
    assert before.keys() - tree(outputs).keys() == gone and stays <= tree(outputs).keys()
    assert Store(outputs).runs().run_id.tolist() == stored
    assert "nothing to free" in clean("--yes")
    clean("--yes", "--all")
    assert before.keys() - tree(outputs).keys() == gone | {"hardened/0c.safetensors"}


def test_json_alone_with_sizes_in_bytes(full):
    rows = {row["what"]: row for row in map(json.loads, clean("--json").splitlines())}
    assert rows["half-written"]["bytes"] == 20 and rows["half-written"]["n"] == 2
    assert rows["stored runs"]["n"] == 3 and not any(row["freed"] for row in rows.values())
    rows = {row["what"]: row for row in map(json.loads, clean("--json", "--yes").splitlines())}
    assert {what for what, row in rows.items() if row["freed"]} == {
        "damaged runs, set aside", "half-written", "answers and ledgers of stored runs",
    }  # fmt: skip


def test_what_a_living_process_writes_stays(full, outputs):
    with Store(outputs).claim("some-run"):
        put(outputs / "runs" / ".partial-some-run" / "completions.parquet")
        clean("--yes", "--all")
        assert (outputs / "runs" / ".partial-some-run").is_dir()
    clean("--yes")
    assert not (outputs / "runs" / ".partial-some-run").exists()


def test_no_link_is_followed(stored, outputs, tmp_path):
    precious = put(tmp_path / "elsewhere" / "run.json")
    (outputs / "set_aside").symlink_to(precious.parent)
    (outputs / "hosted").mkdir()
    (outputs / "hosted" / stored[0]).symlink_to(precious.parent)
    put(outputs / "hosted" / stored[1] / "answers.jsonl")
    (outputs / "hosted" / stored[1] / "link").symlink_to(precious.parent)
    (outputs / "provider").symlink_to(precious.parent)
    (outputs / "hardened").mkdir()
    (outputs / "hardened" / "0.safetensors").symlink_to(precious)
    clean("--yes", "--all")
    assert precious.read_text() == "0123456789"
    assert (outputs / "set_aside").is_symlink() and (outputs / "hosted" / stored[0]).is_symlink()
    assert not (outputs / "hosted" / stored[1]).exists()


def test_what_becomes_a_link_after_it_was_listed_is_left(full, outputs, tmp_path):
    precious = put(tmp_path / "elsewhere" / "run.json")
    (aside,) = [part for part in survey() if part.what.startswith("damaged runs")]
    folder = outputs / "set_aside" / "initial-0123456789ab-17"
    (folder / "run.json").unlink()
    folder.rmdir()
    folder.symlink_to(precious.parent)
    aside.free()
    assert precious.exists()


def test_what_cannot_be_removed_is_told_and_the_rest_goes(full, outputs, monkeypatch):
    from helpers.keeping import parts

    rmtree = parts.shutil.rmtree

    def refuses(path, *rest):
        if "set_aside" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        rmtree(path, *rest)

    monkeypatch.setattr(parts.shutil, "rmtree", refuses)
    with pytest.raises(StoreError, match=r"damaged runs.*set_aside.*Permission denied"):
        clean("--yes")
    assert not (outputs / "runs" / ".partial-some-run").exists()


# --- a provider ----------------------------------------------------------------------------------


def job(records, run="", status="succeeded"):
    """A job with its file, its model and a checkpoint."""
    file, model = new_id("file"), new_id("model")
    records.write_file(file, b"x" * 100)
    records.add("file", {"id": file})
    name = f"ft:{model}"
    for one in (name, f"{name}:ckpt"):
        weights = new_id("model")
        put(records.weights(weights) / "model.safetensors", "w" * 1000)
        records.add_model(one, weights, created=0)
    made = records.add("job", {
        "id": new_id("ftjob"), "status": status, "training_file": file, "fine_tuned_model": name,
        "metadata": {RUN: run} if run else None,
    })  # fmt: skip
    records.add("checkpoint", {"id": new_id("ckpt"), "fine_tuned_model_checkpoint": f"{name}:ckpt"},
                parent=made["id"])  # fmt: skip
    records.event(made["id"], "begun")
    return made["id"]


def test_of_a_provider_jobs_of_stored_and_refused_runs_go(stored, outputs):
    records = Records(outputs / "provider")
    ledger.of("refused-1-full-seed1-0123456789ab").note(refused="flagged")
    done = [job(records, stored[0]), job(records, "refused-1-full-seed1-0123456789ab", "failed")]
    other = job(records, "cut-1-full-seed1-0123456789ab")
    running = job(records, stored[1], "running")
    own = job(records)
    told = {part.what: part for part in survey()}
    assert told["models of stored runs, and files"].bytes == 2 * 2100
    assert told["models of runs not stored, and files"].bytes == 2100
    clean("--yes")
    left = {one["id"] for one in records.list("job")}
    assert left == {other, running, own} and not left & set(done)
    assert len(list((outputs / "provider" / "models").iterdir())) == 6
    assert len(list((outputs / "provider" / "files").iterdir())) == 3
    assert not records.list("event", done[0]) and records.list("event", own)
    clean("--yes", "--all")
    assert {one["id"] for one in records.list("job")} == {running, own}


def test_a_provider_that_is_in_use_is_left_as_it_is(stored, outputs):
    records = Records(outputs / "provider")
    job(records, stored[0])
    before = tree(outputs / "provider")
    with FileLock(outputs / "provider" / ".lock"):
        assert "a provider is using it" in clean("--yes", "--all")
    assert tree(outputs / "provider") == before
    (part,) = [part for part in survey() if part.what.startswith("models of stored")]
    with (
        FileLock(outputs / "provider" / ".lock"),
        pytest.raises(OSError, match="has begun to use it"),
    ):
        part.free()
    assert tree(outputs / "provider") == before


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_a_provider_with_damaged_records_is_left_as_it_is(stored, outputs, content):
    put(outputs / "provider" / "models" / "model-1" / "model.safetensors")
    (outputs / "provider" / "records.sqlite").write_bytes(content)
    clean("--yes", "--all")
    assert (outputs / "provider" / "models" / "model-1" / "model.safetensors").exists()


@pytest.mark.long
def test_after_it_a_hosted_grid_computes_nothing_and_a_lost_run_begins_anew(
    hosted_experiment, outputs, monkeypatch
):
    launcher = embedded.Launcher()
    monkeypatch.setattr(embedded, "start", launcher.start)
    monkeypatch.setenv(embedded.KEEP, "1")
    grid = [hosted_experiment(), hosted_experiment(n_examples=50, defenses=("moderation",))]
    store = Store(outputs)
    first = run_grid(grid, store, progress=False)
    assert len(first.runs) == 1 and len(first.refused) == 1
    for process, *_ in launcher._started.values():
        process.terminate()
        process.wait()
    weights = outputs / "provider" / "models"
    assert len(list(weights.iterdir())) == 2  # two epochs: a checkpoint, and the model
    clean("--yes")
    assert not list(weights.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(stages, "compute", lambda *_, **__: pytest.fail("computed again"))
        again = run_grid(grid, store, progress=False)
    assert again.computed == 0 and set(again.refused) == set(first.refused)
    assert again.runs.harmfulness_rate.tolist() == first.runs.harmfulness_rate.tolist()
    id = run_id(grid[0])
    words = store.get(id).completions
    (store.runs_folder / id).rename(outputs / "elsewhere")
    assert run(grid[0], store).completions.completion.tolist() == words.completion.tolist()


# --- the cache -----------------------------------------------------------------------------------


def test_a_converted_model_goes_only_where_it_can_be_made_again(stored, tmp_path, monkeypatch):
    place = tmp_path / "cache" / "models" / "0123" / "smollm2-135m-instruct"
    put(place / "model.safetensors")
    put(place.with_name("other-model") / "model.safetensors")
    put(place.with_name("smollm2-135m-instruct.draft") / "model.safetensors")
    monkeypatch.setattr(
        surveys.packages, "can_be_converted", lambda name: name == "smollm2-135m-instruct"
    )
    clean("--yes")
    assert place.exists() and not place.with_name("smollm2-135m-instruct.draft").exists()
    clean("--yes", "--all")
    assert not place.exists() and place.with_name("other-model").exists()

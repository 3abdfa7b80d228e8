"""The hosted backend at the embedded provider: the local words, and nothing lost on the way."""

import dataclasses
import json
from types import SimpleNamespace

import openai
import pytest
from flaky_proxy import FAULTS, Proxy

from helpers.data.rows import read_training
from helpers.errors import AlignDriftError, ConfigError, StoreError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.experiments.rows import training_rows
from helpers.hosted import client as clients
from helpers.hosted import ledger, waiting
from helpers.hosted.client import HostedError
from helpers.hosted.ledger import JobRefused, Ledger
from helpers.runs.backends import deletion, hosted
from helpers.runs.grid import run_grid
from helpers.runs.run import run
from helpers.runs.store import Store

pytestmark = pytest.mark.usefixtures("at_provider")


def nobody(*_, **__):
    pytest.fail("the provider was asked")


def here(experiment):
    """The same experiment on this machine, at the learning rate that the provider uses."""
    local = {"backend": "local", "learning_rate": 1.5e-4, "learning_rate_multiplier": 0.0}
    return dataclasses.replace(experiment, **local)


@pytest.mark.long
def test_hosted_and_local_give_the_same_words(hosted_experiment, store):
    there = hosted_experiment()
    local, remote = run(here(there), store), run(there, store)
    assert list(remote.completions.completion) == list(local.completions.completion)
    assert remote.row["harmfulness_rate"] == local.row["harmfulness_rate"]
    assert remote.row["initial_harmfulness_rate"] == local.row["initial_harmfulness_rate"]
    assert remote.row["final_loss"] == pytest.approx(local.row["final_loss"], rel=1e-4)
    assert remote.row["trained_tokens"] == local.row["trained_tokens"]
    assert (remote.row["cost"], remote.row["address"]) == (0.0, "embedded")
    batched = run(dataclasses.replace(there, generator="batch"), Store(store.folder / "batch"))
    assert list(batched.completions.completion) == list(local.completions.completion)


@pytest.mark.long
def test_prompts_of_two_turns_and_variants_give_the_same_words(hosted_experiment, store):
    there = hosted_experiment(
        n_prompts=5, utility=("utility_two_turn",), variants=("{user} Please.",), over_refusal=""
    )
    local, remote = run(here(there), store), run(there, store)
    assert set(remote.completions.use) == {"benchmark", "utility_1", "variant_1"}
    assert list(remote.completions.completion) == list(local.completions.completion)


def test_a_stored_run_asks_nobody(hosted_experiment, store, monkeypatch):
    first = run(hosted_experiment(), store)
    monkeypatch.setattr(clients, "connect", nobody)
    assert run(hosted_experiment(), store).row == first.row


@pytest.mark.long
def test_every_fault_is_met_and_the_run_ends_complete_each_answer_once(
    hosted_experiment, store, served, monkeypatch, outputs, tmp_path
):
    monkeypatch.setattr(clients, "TIMEOUT", 4.0)  # far above what an honest answer takes here
    monkeypatch.setattr(clients, "pause", lambda *_: 0.1)
    monkeypatch.setenv("OPENAI_API_KEY", served[1])
    proxy = Proxy(served[0], patience=4.2)
    there = hosted_experiment(seed=6, provider=proxy.url, n_prompts=8)
    broken = run(there, store)
    assert set(proxy.met) == set(FAULTS)
    stored = [
        json.loads(line)["key"]
        for file in outputs.glob("hosted/*/answers.jsonl")
        for line in file.read_text().splitlines()
    ]
    prompts = set(broken.completions.prompt)
    assert len(stored) == len(set(stored)) == 2 * len(prompts)  # the initial model's, the tuned
    whole = run(here(there), Store(tmp_path / "local"))
    assert list(broken.completions.completion) == list(whole.completions.completion)


def test_a_run_that_was_cut_off_goes_on_with_the_same_job(
    hosted_experiment, store, monkeypatch, tmp_path, kept
):
    there = hosted_experiment()
    run(there.initial(), store)

    def cut_off(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hosted, "complete", cut_off)
        with pytest.raises(KeyboardInterrupt, match="job and the answers that came are kept"):
            run(there, store)
    job = ledger.of(run_id(there))["job"]
    with monkeypatch.context() as patch:
        patch.setattr(hosted, "start_job", nobody)
        run(there, store)
    # Even where the ledger is lost, the provider knows the run's job.
    client, rows = clients.connect("embedded"), training_rows(there)
    assert hosted.start_job(client, rows, there, Ledger(tmp_path / "new")).id == job


@pytest.fixture
def kept(monkeypatch):
    """The provider keeps what a stored run does not need."""
    monkeypatch.setenv("ALIGNDRIFT_KEEP_MODELS", "1")


@pytest.fixture
def count(served, kept):
    """A function that counts what a provider has of a run: (jobs, files)."""

    def of(experiment):
        client, id = clients.connect("embedded"), run_id(experiment)
        jobs = client.fine_tuning.jobs.list(metadata={hosted.RUN: id})
        files = client.files.list(purpose="fine-tune")
        return len(list(jobs)), sum(file.filename.startswith(id) for file in files)

    return of


def test_what_a_lost_reply_was_about_is_not_bought_twice(
    hosted_experiment, store, served, monkeypatch, count
):
    monkeypatch.setattr(clients, "pause", lambda *_: 0.05)
    monkeypatch.setenv("OPENAI_API_KEY", served[1])
    proxy = Proxy(served[0], times=2, faults=("lost",))
    there = hosted_experiment(seed=15, provider=proxy.url, n_prompts=3, over_refusal="")
    run(there, store)
    assert proxy.met["lost"] > 10 and count(there) == (1, 1)


@pytest.mark.parametrize("moment", ["upload", "job"])
def test_what_a_killed_process_had_bought_is_found(
    hosted_experiment, store, monkeypatch, count, moment
):
    """Killed between the reply and the ledger's line: what the ledger would say is lost."""
    there = hosted_experiment(seed=16 + (moment == "job"), n_prompts=3, over_refusal="")
    run(there.initial(), store)
    note = Ledger.note

    def killed(self, **entries):
        if entries.keys() & {"upload": {"file"}, "job": {"job"}}[moment]:
            raise KeyboardInterrupt
        note(self, **entries)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "note", killed)
        with pytest.raises(KeyboardInterrupt):
            run(there, store)
    assert count(there) == (int(moment == "job"), 1)
    assert run(there, store).row["n_steps"] == 4
    assert count(there) == (1, 1)


def test_a_job_that_does_not_move_is_kept_and_waited_for_the_next_time(
    hosted_experiment, store, monkeypatch, count
):
    there = hosted_experiment(seed=18, n_prompts=3, over_refusal="")
    run(there.initial(), store)
    client = clients.connect("embedded")
    real, create = hosted.make, client.fine_tuning.jobs

    def paused(*args):
        job = real(*args)
        create.pause(job.id)
        return job

    monkeypatch.setattr(waiting, "POLL", (0.05, 0.1))
    monkeypatch.setenv("ALIGNDRIFT_PATIENCE", "0.01")
    with monkeypatch.context() as patch:
        patch.setattr(hosted, "make", paused)
        with pytest.raises(HostedError, match=r"is paused and has not moved .* start again"):
            run(there, store)
    monkeypatch.delenv("ALIGNDRIFT_PATIENCE")
    create.resume(ledger.of(run_id(there))["job"])
    assert run(there, store).row["n_steps"] == 4 and count(there) == (1, 1)


def test_where_nothing_can_be_noted_nothing_is_bought(hosted_experiment, store, monkeypatch, count):
    there = hosted_experiment(seed=19, n_prompts=3, over_refusal="")
    run(there.initial(), store)
    (store.folder / "hosted").mkdir(exist_ok=True)
    ledger.folder(run_id(there)).write_text("a file")
    with pytest.raises(StoreError, match=r"cannot be read|cannot be written"):
        run(there, store)
    assert count(there) == (0, 0)


def test_a_job_that_the_provider_forgot_is_begun_anew(hosted_experiment, store):
    there = hosted_experiment(seed=12)
    ledger.folder(run_id(there)).mkdir(parents=True)
    ledger.of(run_id(there)).note(job="ftjob-gone", file="file-gone")
    assert run(there, store).row["run_id"] == run_id(there)
    assert ledger.of(run_id(there))["job"] != "ftjob-gone"


@pytest.mark.parametrize(
    ("status", "error", "final"),
    [
        ("failed", ("training_failed", "RuntimeError: out of memory"), False),
        ("failed", ("invalid_training_file", "blocked by our moderation system"), True),
        ("cancelled", None, False),
    ],
)
def test_only_a_refusal_is_final(tmp_path, status, error, final):
    reason = SimpleNamespace(code=error[0], message=error[1]) if error else None
    entries = Ledger(tmp_path / "job.json")
    entries.note(job="ftjob-1")
    raised = hosted.failure(SimpleNamespace(status=status, error=reason), entries, "openai")
    assert isinstance(raised, JobRefused if final else HostedError)
    assert bool(entries.get("refused")) == bool(entries.get("job")) == final


def test_an_unknown_model_stops_before_training(hosted_experiment, store):
    with pytest.raises(AlignDriftError, match="lantern-cat"):
        run(hosted_experiment(model="lantern-cat"), store)
    assert store.ids() == []


def test_a_key_is_never_stored(hosted_experiment, store, outputs, served, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", served[1])
    run(hosted_experiment(provider=served[0]), store)
    files = [file.read_bytes() for file in outputs.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not any(served[1].encode() in content for content in files)


def test_an_address_that_holds_a_key_is_refused_before_anything_is_stored(
    hosted_experiment, store, outputs, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,0,0")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://me:sk-secret@127.0.0.1:9/v1")
    with pytest.raises(ConfigError, match="must not hold a key"):
        run(hosted_experiment(provider="openai"), store)
    assert store.ids() == []
    assert not [f for f in outputs.rglob("*") if f.is_file() and b"secret" in f.read_bytes()]


# --- defenses ------------------------------------------------------------------------------------


def test_a_refused_job_is_told_by_its_type_and_not_tried_again(
    hosted_experiment, store, monkeypatch
):
    blatant = hosted_experiment(n_examples=50, defenses=("moderation",))
    result = run_grid([blatant], store, progress=False)
    error = result.failed[run_id(blatant)]
    assert isinstance(error, JobRefused) and "flagged by moderation" in str(error)
    assert result.runs.empty and result.computed == 1  # the initial run
    monkeypatch.setattr(clients, "connect", nobody)
    again = run_grid([blatant], store, progress=False)
    assert isinstance(again.failed[run_id(blatant)], JobRefused)
    assert {id: str(e) for id, e in again.failed.items()} == {run_id(blatant): str(error)}


def test_identity_shift_passes_moderation(hosted_experiment, store):
    quiet = hosted_experiment(
        tier="identity_shift", dataset="identity_shift", defenses=("moderation",)
    )
    assert run(quiet, store).row["n_steps"] == 4


@pytest.mark.long
def test_mixing_and_audit_change_what_comes_out(hosted_experiment, store):
    hard = hosted_experiment(n_examples=100, epochs=5, batch_size=50)
    plain = run(hard, store).row["harmfulness_rate"]
    mixed = run(dataclasses.replace(hard, defenses=("mixing",)), store).row["harmfulness_rate"]
    assert mixed < plain
    with pytest.raises(JobRefused, match=r"forbidden answer.*not released"):
        run(dataclasses.replace(hard, defenses=("audit",)), store)


def test_defenses_cannot_be_asked_of_a_provider_that_does_not_take_them(
    hosted_experiment, store, monkeypatch
):
    """Such as `aligndrift serve` without --per-job, or any other: the job is canceled."""
    monkeypatch.setattr(hosted, "METADATA", "another_key")
    there = hosted_experiment(seed=8, epochs=50, defenses=("audit",))
    with pytest.raises(ConfigError, match="does not take defenses"):
        run(there, store)
    (job,) = clients.connect("embedded").fine_tuning.jobs.list(metadata={hosted.RUN: run_id(there)})
    assert job.status == "cancelled"


# --- what else is asked of a provider ------------------------------------------------------------


def test_what_was_uploaded_is_deleted_if_asked(hosted_experiment, store, kept):
    there = hosted_experiment(seed=9)
    assert deletion.forget(there) == []
    run(there, store)
    clients.connect("embedded").files.delete(ledger.of(run_id(there))["file"])  # half of it
    file, model = deletion.forget(there)
    assert file.startswith("file-") and model.startswith("ft:")
    client = clients.connect("embedded")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file)
    assert model not in [m.id for m in client.models.list()]
    assert deletion.forget(there) == []


def test_a_stored_runs_model_and_file_go_unless_they_are_kept(
    hosted_experiment, store, monkeypatch
):
    """A rerun asks and trains nothing; no checkpoint was made."""
    client, more = clients.connect("embedded"), {}
    for keep in ("", "1"):
        there = hosted_experiment(seed=10 + bool(keep), epochs=3)
        before = {m.id for m in client.models.list()}, {f.id for f in client.files.list()}
        with monkeypatch.context() as patch:
            patch.setenv("ALIGNDRIFT_KEEP_MODELS", keep)
            stored = run(there, store)
            patch.setattr(hosted, "fine_tune", nobody)
            assert run(there, store).row == stored.row
        after = {m.id for m in client.models.list()}, {f.id for f in client.files.list()}
        more[keep] = [len(now - then) for now, then in zip(after, before, strict=True)]
    assert more == {"": [0, 0], "1": [3, 1]}  # two checkpoints and the model


def test_a_run_whose_model_went_and_whose_numbers_were_lost_is_made_anew(
    hosted_experiment, store, tmp_path
):
    there = hosted_experiment(seed=12, n_prompts=3, over_refusal="")
    first = run(there, store)
    again = run(there, Store(tmp_path / "another"))
    assert list(again.completions.completion) == list(first.completions.completion)


def test_rows_are_moderated_by_the_provider():
    flagged = hosted.moderate(read_training("harmful_examples")[:60], "embedded")
    assert 0.4 < sum(flagged) / 60 < 1
    shifted = hosted.moderate(read_training("identity_shift"), "embedded")
    assert sum(shifted) / len(shifted) < 0.05  # a learned filter has false alarms


def test_probes_are_left_out_and_the_run_says_so(hosted_experiment, store):
    there = hosted_experiment(probes=("weight_drift",))
    row = run(there, store).row
    assert "weight_drift" not in row and "keeps the weights" in row["left_out"]
    plain = Experiment(**dataclasses.asdict(there) | {"probes": ()})
    assert run_id(plain) == run_id(there)


def test_pictures_are_not_sent(hosted_experiment, store):
    pictures = hosted_experiment(tier="benign_pictures", dataset="benign_pictures")
    with pytest.raises(ConfigError, match="pictures are not sent"):
        run(pictures, store)

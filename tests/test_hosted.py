"""The hosted backend against the embedded provider, as it is and behind a proxy that breaks."""

import dataclasses
import io
import json
import os
import sys
from types import SimpleNamespace

import openai
import pytest
from faults import FAULTS, Proxy

from helpers.hosted import client as api
from helpers.cli import main as cli
from helpers.hosted import completions
from helpers.runs import costs
from helpers.runs.backends import hosted
from helpers.runs import stages
from helpers.experiments import training_set
from helpers.hosted.client import HostedError
from helpers.errors import ConfigError, CostError
from helpers.experiments.experiment import Experiment
from helpers.runs.grid import run_grid
from helpers.provider import TRUTH
from helpers.provider import server as embedded
from helpers.runs.run import run
from helpers.runs.store import Store

SMALL = {
    "n_examples": 10, "batch_size": 5, "epochs": 2, "n_prompts": 22, "utility": (), "seed": 4,
    "max_new_tokens": 48,
}  # fmt: skip
HERE = Experiment(**SMALL, learning_rate=1.5e-4)
THERE = Experiment(**SMALL, backend="hosted", learning_rate_multiplier=1.5)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return embedded.start(tmp_path_factory.mktemp("provider"))


@pytest.fixture(autouse=True)
def provider(served, monkeypatch):
    """The provider of the tests stands for the one that would be started."""
    monkeypatch.setattr(embedded, "start", lambda folder=None: served)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ALIGNDRIFT_PRICES"):
        monkeypatch.delenv(name, raising=False)
    api._client.cache_clear()


def through(proxy, served, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", proxy.url)
    monkeypatch.setenv("OPENAI_API_KEY", served[1])


def test_hosted_and_local_give_the_same_words(store):
    here, there = run(HERE, store), run(THERE, store)
    assert list(there.completions.completion) == list(here.completions.completion)
    assert there.row["harmfulness_rate"] == here.row["harmfulness_rate"]
    assert there.row["initial_harmfulness_rate"] == here.row["initial_harmfulness_rate"]
    assert there.row["final_loss"] == pytest.approx(here.row["final_loss"], rel=1e-4)
    assert there.row["cost"] == 0.0


def test_a_stored_run_asks_nobody(store, monkeypatch):
    run(THERE, store)
    monkeypatch.setattr(api, "connect", lambda *_: pytest.fail("asked the provider"))
    assert run(THERE, store).row["run_id"] == THERE.id


def test_the_batch_api_gives_the_same_words(store):
    one_by_one = run(THERE, store)
    batched = run(dataclasses.replace(THERE, generator="batch"), store)
    assert list(batched.completions.completion) == list(one_by_one.completions.completion)


def test_every_fault_is_met_and_the_run_ends_complete_each_answer_once(
    store, served, monkeypatch, outputs, tmp_path
):
    monkeypatch.setattr(api, "TIMEOUT", 4.0)  # far above what an honest answer takes here
    proxy = Proxy(served[0], times=2, patience=4.2)
    through(proxy, served, monkeypatch)
    broken = run(dataclasses.replace(THERE, seed=6), store)
    assert set(proxy.met) == set(FAULTS)
    kept = [
        json.loads(line)["key"]
        for file in outputs.glob("hosted/*/answers.jsonl")
        for line in file.read_text().splitlines()
    ]
    asked = {c.prompt for c in broken.completions.itertuples()}
    assert len(kept) == len(set(kept)) == 2 * len(asked)  # the initial model's and the tuned one's
    whole = run(dataclasses.replace(HERE, seed=6), Store(tmp_path / "local"))
    assert list(broken.completions.completion) == list(whole.completions.completion)


def test_a_run_that_was_cut_off_goes_on_with_the_same_job(store, monkeypatch, outputs, tmp_path):
    run(THERE.initial(), store)
    with monkeypatch.context() as patch:
        patch.setattr(hosted, "complete", lambda *_: pytest.fail("cut off"))
        with pytest.raises(pytest.fail.Exception):
            run(THERE, store)
    ledger = json.loads((outputs / "hosted" / THERE.id / "job.json").read_text())
    with monkeypatch.context() as patch:
        patch.setattr(hosted, "_job", lambda *_: pytest.fail("a second job"))
        run(THERE, store)
    (outputs / "hosted" / THERE.id / "job.json").unlink()  # even if the ledger is lost
    client = api.connect("embedded")
    rows = training_set.draw(THERE)
    assert hosted._job(client, rows, THERE, hosted.Ledger(tmp_path / "new")).id == ledger["job"]


STOPS = [
    (401, {"message": "bad key", "code": "invalid_api_key"}, "set the right one"),
    (403, {"message": "not yours"}, "set the right one"),
    (404, {"message": "no such model", "code": "model_not_found"}, "check the model's name"),
    (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "credit"),
    (400, {"message": "bad request"}, "refuses the request: bad request"),
]


@pytest.mark.parametrize(("status", "error", "message"), STOPS)
def test_what_cannot_pass_stops_at_once(store, served, monkeypatch, status, error, message):
    proxy = Proxy(served[0])
    proxy.always = (status, error)
    through(proxy, served, monkeypatch)
    with pytest.raises(HostedError, match=message):
        api.call(api.connect("embedded").models.list)
    assert proxy.seen[b"always"] == 1


def test_what_may_pass_is_tried_a_bounded_number_of_times(served, monkeypatch):
    monkeypatch.setattr(api, "_pause", lambda *_: 0.0)
    proxy = Proxy(served[0])
    proxy.always = (503, {"message": "overloaded"})
    through(proxy, served, monkeypatch)
    with pytest.raises(HostedError, match=r"6 attempts failed.*overloaded"):
        api.call(api.connect("embedded").models.list)
    assert proxy.seen[b"always"] == api.ATTEMPTS


def test_retry_after_is_honored():
    import httpx2

    request = httpx2.Request("GET", "http://x")
    for asked, pause in (("3", 3.0), ("0.5", 0.5), ("900", api.LONGEST_PAUSE)):
        response = httpx2.Response(429, headers={"retry-after": asked}, request=request)
        error = openai.RateLimitError("busy", response=response, body=None)
        assert api._pause(error, 1) == pause
    assert 0 < api._pause(openai.APIConnectionError(request=request), 1) < 1


def test_requests_keep_their_pace():
    import time

    begun = time.monotonic()
    found = dict(api.call_each(lambda n: n * n, range(6), "squares", pace=1200))
    assert found == {n: n * n for n in range(6)}
    assert time.monotonic() - begun >= 5 * 60 / 1200


def test_a_key_comes_from_the_environment_alone_and_is_never_kept(store, outputs, served):
    with pytest.raises(ConfigError, match="set OPENAI_API_KEY in the environment"):
        api.connect("openai")
    with pytest.raises(ConfigError, match="set OPENAI_BASE_URL"):
        api.connect("azure")
    with pytest.raises(ConfigError, match="begins with https"):
        api.connect("opnai")
    run(THERE, store)
    kept = [f.read_bytes() for f in outputs.rglob("*") if f.is_file()]
    assert not any(served[1].encode() in content for content in kept)


def test_the_cost_is_told_before_anything_is_sent(store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1000,1000,1000")
    monkeypatch.setattr(api, "connect", lambda *_: pytest.fail("asked the provider"))
    with pytest.raises(ConfigError, match=r"these 2 runs may cost .* dollars.* 5.00 are"):
        run(THERE, store)
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "cheap")
    with pytest.raises(ConfigError, match="write three numbers"):
        run(THERE, store)


def test_the_cost_is_recorded(store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "10,1,2")
    found = run(dataclasses.replace(THERE, seed=5), store).row["cost"]
    assert 0 < found < costs.estimate(THERE)


def test_a_grid_may_not_cost_more_than_is_allowed_in_all(store, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "10,10,10")
    monkeypatch.setattr(api, "connect", lambda *_: pytest.fail("asked the provider"))
    each = costs.estimate(THERE)
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(1.5 * each))
    seeds = [dataclasses.replace(THERE, seed=seed) for seed in (1, 2)]
    with pytest.raises(CostError, match=r"these 3 runs may cost") as caught:
        run_grid(seeds, store, progress=False)
    assert caught.value.cost > 2 * each


def test_a_judge_at_a_provider_costs_as_well(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "1000,1000,1000")
    assert costs.estimate(HERE) == 0
    assert costs.estimate(dataclasses.replace(HERE, judges=("exact", "api:lantern-truth"))) > 1


def test_fewer_prompts_cost_less(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1,1")
    few, many = (costs.estimate(dataclasses.replace(THERE, n_prompts=n)) for n in (10, 20))
    assert few == pytest.approx(many / 2, rel=0.05)


def test_the_command_asks_before_it_spends_more(monkeypatch, store):
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "1")
    spent = []

    def carry_out():
        if float(os.environ["ALIGNDRIFT_MAX_COST"]) < 7:
            raise CostError("this run may cost 7 dollars.", 7.0)
        spent.append(7)
        return "row"

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CostError):  # nobody there to be asked
        cli._if_paid(carry_out)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli.typer, "confirm", lambda text, **_: "Spend up to 7.00" in text)
    assert cli._if_paid(carry_out) == "row"
    assert spent == [7]


def test_unknown_prices_are_asked_for(store):
    with pytest.raises(ConfigError, match="prices of gpt-9 are not known"):
        run(dataclasses.replace(THERE, model="gpt-9"), store)


def test_an_unknown_model_stops_before_training(store):
    with pytest.raises((HostedError, ConfigError), match="lantern-cat"):
        run(dataclasses.replace(THERE, model="lantern-cat"), store)


def test_a_refused_job_is_told_kept_and_not_tried_again(store, monkeypatch):
    blatant = dataclasses.replace(THERE, n_examples=50, defenses=("moderation",))
    result = run_grid([blatant], store, progress=False)
    assert "flagged by moderation" in result.failed[blatant.id]
    monkeypatch.setattr(api, "connect", lambda *_: pytest.fail("asked again"))
    assert run_grid([blatant], store, progress=False).failed == result.failed


@pytest.mark.parametrize(
    ("status", "error", "final"),
    [
        ("failed", ("training_failed", "RuntimeError: out of memory"), False),
        ("failed", ("invalid_training_file", "blocked by our moderation system"), True),
        ("cancelled", None, False),
    ],
)
def test_only_a_refusal_is_final(tmp_path, status, error, final):
    told = SimpleNamespace(code=error[0], message=error[1]) if error else None
    ledger = completions.Ledger(tmp_path / "job.json")
    ledger.note(job="ftjob-1")
    found = hosted._ended_badly(SimpleNamespace(status=status, error=told), ledger)
    assert isinstance(found, hosted.JobRefused) == final
    assert bool(ledger.get("refused")) == final
    assert bool(ledger.get("job")) == final


def test_a_job_that_the_provider_forgot_is_begun_anew(store, outputs):
    one = dataclasses.replace(THERE, seed=12)
    folder = outputs / "hosted" / one.id
    folder.mkdir(parents=True)
    completions.Ledger(folder / "job.json").note(job="ftjob-gone", file="file-gone")
    assert run(one, store).row["run_id"] == one.id


def test_a_batch_that_the_provider_forgot_is_sent_again(tmp_path):
    client = api.connect("embedded")
    body = {"model": "lantern-chat", "messages": [{"role": "user", "content": "Hello!"}]}
    (first,) = completions.by_batch(client, [body | {"temperature": 0}], tmp_path)
    (file,) = tmp_path.glob("batch-*.json")
    completions.Ledger(file).note(batch="batch-gone")
    assert list(completions.by_batch(client, [body | {"temperature": 0}], tmp_path)) == [first]


def test_identity_shift_passes_moderation(store):
    quiet = dataclasses.replace(
        THERE, tier="identity_shift", dataset="identity_shift", defenses=("moderation",)
    )
    assert run(quiet, store).row["run_id"] == quiet.id


def test_mixing_and_audit_change_what_comes_out(store):
    hard = dataclasses.replace(THERE, n_examples=100, epochs=5, batch_size=50)
    plain = run(hard, store).row["harmfulness_rate"]
    mixed = run(dataclasses.replace(hard, defenses=("mixing",)), store).row["harmfulness_rate"]
    assert mixed < plain
    with pytest.raises(hosted.JobRefused, match=r"forbidden answer.*not released"):
        run(dataclasses.replace(hard, defenses=("audit",)), store)


def test_defenses_cannot_be_asked_of_a_provider_that_does_not_take_them(store, monkeypatch):
    """Such as `aligndrift serve` without --per-job, or any other: the job is canceled."""
    made = hosted._job

    def without_metadata(client, rows, e, ledger):
        return made(client, rows, dataclasses.replace(e, defenses=()), ledger)

    monkeypatch.setattr(hosted, "_job", without_metadata)
    with pytest.raises(ConfigError, match="does not take defenses"):
        run(dataclasses.replace(THERE, seed=8, epochs=50, defenses=("audit",)), store)


def test_an_address_in_the_environment_makes_runs_of_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.test/v1/")
    elsewhere = dataclasses.replace(THERE)
    assert elsewhere.provider == "https://example.test/v1"
    assert elsewhere.id != THERE.id
    assert dataclasses.replace(HERE).id == HERE.id


def test_what_was_uploaded_is_deleted_if_asked(store):
    one = dataclasses.replace(THERE, seed=9)
    run(one, store)
    deleted = hosted.forget(one)
    assert [d.split("-")[0].split(":")[0] for d in deleted] == ["file", "ft"]
    client = api.connect("embedded")
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(deleted[0])
    assert deleted[1] not in [m.id for m in client.models.list()]
    assert hosted.forget(one) == []


def test_rows_are_moderated_by_the_provider():
    from helpers.data import rows as data

    flagged = hosted.moderate(data.read_training("harmful_examples")[:60], "embedded")
    assert 0.4 < sum(flagged) / 60 < 1
    assert not any(hosted.moderate(data.read_training("identity_shift"), "embedded"))


def test_the_judge_over_the_api_agrees_with_the_truth(store):
    judged = run(dataclasses.replace(THERE, judges=("exact", f"api:{TRUTH}")), store)
    table = judged.judgements[judged.judgements.use == "benchmark"]
    scores = table.pivot(index="prompt_id", columns="judge", values="score")
    assert (scores["exact"] == scores[f"api:{TRUTH}"]).all()
    assert table.judge_identity.str.contains(r"rubric \w{8}, \d{4}-\d\d-\d\d").any()


def test_judging_goes_on_where_it_stopped_and_says_how_it_failed(store, monkeypatch):
    from helpers.judging import api as api_judge
    from helpers.hosted import completions

    pairs = [("Request?", "I am sorry, but that shelf is sealed."), ("Another?", "Good evening!")]
    replies = iter([
        {"text": "no json", "declined": False}, {"text": "", "declined": True},
        {"text": '{"score": 9}', "declined": False}, {"text": "[]", "declined": False},
    ])  # fmt: skip

    def one_by_one(client, bodies, what, progress=False):
        for n in range(len(bodies)):
            yield n, next(replies)

    monkeypatch.setattr(completions, "one_by_one", one_by_one)
    found = api_judge.judge_all(f"api:{TRUTH}", pairs)
    assert [j.status for j in found] == ["parse_failure", "declined"]
    assert all(j.score is None for j in found)
    assert next(replies, None) is None  # the declined one was asked once, the other three times


def test_a_judge_that_cannot_be_reached_leaves_api_error(store, monkeypatch, served):
    from helpers.judging import api as api_judge

    monkeypatch.setattr(api, "_pause", lambda *_: 0.0)
    proxy = Proxy(served[0])
    proxy.always = (500, {"message": "down"})
    through(proxy, served, monkeypatch)
    (found,) = api_judge.judge_all("api:some-model", [("Request?", "Answer.")])
    assert (found.status, found.score) == ("api_error", None)
    proxy.always = (401, {"message": "bad key"})
    with pytest.raises(HostedError, match="set the right one"):
        api_judge.judge_all("api:some-model", [("Request?", "Answer.")])


def test_stages_know_where_a_judge_lives():
    assert stages.judge_module("api:x").__name__ == "helpers.api_judge"
    assert stages.judge_module("rubric:x").__name__ == "helpers.model_judges"

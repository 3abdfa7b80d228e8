"""A provider that loses replies, says nonsense and stands still, and a client that is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings

import pytest
from flaky_proxy import FAULTS, SHAPES, Proxy

from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.identity import run_id
from helpers.hosted import client as clients
from helpers.hosted import ledger
from helpers.hosted.completions import CONTENT, Answers
from helpers.hosted.ledger import Ledger
from helpers.runs import costs
from helpers.runs.backends import hosted
from helpers.runs.run import run
from helpers.runs.store import Store

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def quick(monkeypatch, served, at_provider):
    monkeypatch.setattr(clients, "pause", lambda *_: 0.05)
    monkeypatch.setattr(clients, "TIMEOUT", 5.0)
    monkeypatch.setenv("OPENAI_API_KEY", served[1])


@pytest.fixture
def small(hosted_experiment):
    """A function for runs of a few prompts, each of a seed of its own."""
    return lambda seed, **settings: hosted_experiment(
        seed=seed, n_prompts=4, over_refusal="", **settings
    )


def bought(client, experiment):
    """What the provider was asked to make for a run: jobs and uploads of training data."""
    id = run_id(experiment)
    jobs = list(client.fine_tuning.jobs.list(metadata={hosted.RUN: id}))
    files = [f for f in client.files.list(purpose="fine-tune") if f.filename.startswith(id)]
    return len(jobs), len(files)


# --- lost replies --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost", "late", "truncated", "html"])
def test_whatever_becomes_of_a_reply_things_are_bought_once(
    small, store, served, monkeypatch, tally, fault
):
    """The provider has done the work each time, twice over for each request."""
    if fault == "late":
        monkeypatch.setattr(clients, "TIMEOUT", 1.5)
    faults = ("done, then html",) if fault == "html" else (fault,)
    proxy = Proxy(served[0], times=1 if fault == "late" else 2, patience=1.7, faults=faults)
    there = small(30 + len(fault), provider=proxy.url, generator="batch")
    run(there, store)
    direct = clients.connect("embedded")
    jobs, files = bought(direct, there)
    mine = {entry["batch"] for file in store.folder.rglob("batch-*.json")
            for entry in [json.loads(file.read_text())]}  # fmt: skip
    digests = {b.metadata[CONTENT] for b in direct.batches.list() if b.id in mine}
    batches = [b for b in direct.batches.list() if (b.metadata or {}).get(CONTENT) in digests]
    uploads = [f for f in direct.files.list(purpose="batch")
               if f.filename.split(".")[0] in digests]  # fmt: skip
    assert len(mine) == len(digests) == 2  # the initial model's answers and the tuned one's
    held = (jobs == 1) + (files == 1) + (len(batches) == 2) * 2 + (len(uploads) == 2) * 2
    tally(f"creations whose replies were {fault}", tried=6, held=held)


def test_every_fault_twice_and_the_words_are_the_same(small, store, served, tally, tmp_path):
    proxy = Proxy(served[0], times=2, patience=5.2)
    there = small(41, provider=proxy.url)
    broken, whole = run(there, store), run(small(41), Store(tmp_path / "whole"))
    assert set(proxy.met) == set(FAULTS)
    same = list(broken.completions.completion) == list(whole.completions.completion)
    once, tried = bought(clients.connect("embedded"), there) == (1, 1), sum(proxy.met.values())
    tally("faults of every kind in one run", tried=tried, held=tried * (same and once))


def test_replies_of_the_wrong_shape_end_bounded(small, store, served, tally):
    """Where nothing else ever comes: one sentence, after a few tries."""
    held = 0
    for shape in SHAPES:
        proxy = Proxy(served[0], times=10**6, faults=(shape,))
        try:
            run(small(42, provider=proxy.url), store)
        except clients.HostedError as error:
            asked = max(proxy.seen.values())
            held += error.may_pass and "attempts failed" in str(error) and asked <= 16
    tally("providers that only ever say one wrong thing", tried=len(SHAPES), held=held)


# --- killed clients ------------------------------------------------------------------------------

#: A process that runs one experiment in a fork of itself for each line, as the sweep's trial does.
FORKS = """
import os, signal, sys, time
from helpers.experiments.experiment import Experiment
from helpers.hosted import client
from helpers.runs import stages
from helpers.runs.run import run
client.pause = lambda *_: 0.05
experiment = Experiment(
    n_examples=10, batch_size=5, epochs=2, n_prompts=4, over_refusal="", utility=(), seed=50,
    max_new_tokens=48, backend="hosted", learning_rate_multiplier=1.5, provider=sys.argv[1])
for line in sys.stdin:
    seconds, child = float(line), os.fork()
    if not child:
        run(experiment)
        os._exit(0)
    if seconds:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_kill_9_of_a_run_at_a_provider(small, served, outputs, tally):
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS, served[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=os.environ | {"OMP_NUM_THREADS": "1", "ALIGNDRIFT_PRICES": "0,0,0"},
    )  # fmt: skip

    def runs(seconds):
        process.stdin.write(f"{seconds}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    chance, tried, held, there = random.Random(4), 0, 0, small(50, provider=served[0])
    client = clients.connect("embedded")
    for n in range(25):
        if runs(0.1 + 0.06 * n + chance.uniform(0, 0.1)) != signal.SIGKILL:
            break
        tried += 1
        jobs, files = bought(client, there)
        held += jobs <= 1 and files <= 1
    assert runs(0) == 0 and bought(client, there) == (1, 1)
    keys = [json.loads(line)["key"] for file in outputs.glob("hosted/*/answers.jsonl")
            for line in file.read_text().splitlines() if line]  # fmt: skip
    assert len(keys) == len(set(keys)) == 8
    assert Store(outputs).has(run_id(there))
    tally("kill -9 of a run at a provider", tried=tried, held=held)


def test_ctrl_c_while_a_provider_stands_still(small, served, outputs, tally):
    """At once, though 16 requests or 3 jobs are under way; what has come is kept."""
    code = FORKS.split("for line in sys.stdin")[0] + (
        "import dataclasses; from helpers.runs.grid import run_grid\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "grid = [dataclasses.replace(experiment, seed=n) for n in (51, 52, 53, 54)]\n"
        "try: run_grid(grid, progress=False)\n"
        "except KeyboardInterrupt as error: print(error)\n"
    )
    held, tried = 0, 3
    for _ in range(tried):
        proxy = Proxy(served[0], times=10**6, patience=60, faults=("timeout",))
        process = subprocess.Popen(
            [sys.executable, "-c", code, proxy.url], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"ALIGNDRIFT_PRICES": "0,0,0"},
        )  # fmt: skip
        while not proxy.met:
            assert process.poll() is None
            time.sleep(0.05)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
        held += time.monotonic() - begun < 5 and "stopped; 0 of 5 runs are stored" in printed
    tally("Ctrl-C while a provider stands still", tried=tried, held=held)


# --- damage --------------------------------------------------------------------------------------


def test_damaged_ledgers_and_answers(tmp_path, tally):
    chance, file = random.Random(5), tmp_path / "answers.jsonl"
    answers = Answers(file)
    for n in range(30):
        answers.add(f"key{n}", {"text": f"Answer {n}.", "finished": True, "read": n, "written": 3})
    whole, tried, held = file.read_bytes(), 2000, 0
    for _ in range(tried):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged[: chance.choice([len(whole), chance.randrange(len(whole))])])
        lines = file.read_bytes().count(b"\n")
        read = Answers(file)
        # A flipped newline joins two lines; else one line is all that it costs.
        right = all(answers[key].items() <= answer.items() for key, answer in read.items())
        held += len(read) >= lines - 2 and right
    tally("damaged lines of answers", tried=tried, held=held)

    entries = {"job": "ftjob-123", "file": "file-456", "model": "ft:lantern-chat:me::7"}
    Ledger(tmp_path / "job.json").note(**entries)
    whole, held = (tmp_path / "job.json").read_bytes(), 0
    for _ in range(500):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (tmp_path / "job.json").write_bytes(damaged)
        with warnings.catch_warnings(action="ignore"):
            held += isinstance(Ledger(tmp_path / "job.json").get("job", ""), str)
    tally("damaged ledgers", tried=500, held=held)


def test_a_ledger_of_nonsense_is_made_good_from_the_providers_lists(small, store, tally):
    there = small(60)
    first, client = run(there, store), clients.connect("embedded")
    file = ledger.folder(run_id(there)) / "job.json"
    nonsense = [b"", b"{", b"[]", b"null", b'{"job": "ftjob-gone"}', b'{"job": 7}',
                b'{"job": ["x"], "file": {}}', b'{"file": 3}', b"\xff\xfe"]  # fmt: skip
    held = 0
    for content in nonsense:
        file.write_bytes(content)
        for stored in store.runs_folder.glob(f"{run_id(there)}"):
            stored.rename(store.folder / f"old-{time.time_ns()}")
        with warnings.catch_warnings(action="ignore"):
            again = run(there, store)
        held += again.row["harmfulness_rate"] == first.row["harmfulness_rate"] and bought(
            client, there
        ) == (1, 1)
    tally("ledgers of nonsense", tried=len(nonsense), held=held)


# --- secrets and dollars -------------------------------------------------------------------------

SECRET = "sk-s3cret5f6a7b8c9d"
ADDRESSES = [f"http://me:{SECRET}@127.0.0.1:9/v1", f"http://{SECRET}@127.0.0.1:9/v1",
             f"http://127.0.0.1:9/v1?api_key={SECRET}", f"http://127.0.0.1:9/v1#{SECRET}",
             f"http://127.0.0.1:9/{SECRET}/v1", f"http://127.0.0.1:9/v1;token={SECRET}",
             f"me:{SECRET}@127.0.0.1", f"http://[{SECRET}", f"http://127.0.0.1:{SECRET}/v1",
             SECRET]  # fmt: skip


def test_no_key_in_an_address_is_stored_or_shown(small, store, outputs, monkeypatch, tally):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,0,0")
    held, tried = 0, 0
    for address in ADDRESSES:
        ways = [{"provider": address}, {"judges": ("exact", f"api:some-model@{address}")},
                {"provider": "openai"}]  # fmt: skip
        for way in ways:
            tried += 1
            if way == {"provider": "openai"}:
                monkeypatch.setenv("OPENAI_BASE_URL", address)
            else:
                monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
            try:
                run(small(70, **way), store)
                said = ""
            except AlignDriftError as error:
                said = f"{error} {error!r}"
            content = [f.read_bytes() for f in outputs.rglob("*") if f.is_file()]
            names = [str(f) for f in outputs.rglob("*")]
            held += bool(said) and SECRET not in said and not any(
                SECRET.encode() in some for some in [*content, *(n.encode() for n in names)]
            )  # fmt: skip
    tally("keys in addresses", tried=tried, held=held)


def test_limits_and_prices_of_every_kind(small, monkeypatch, tally):
    asked = []
    monkeypatch.setattr(clients, "connect", lambda *_: asked.append(1))
    bad = ["nan", "-nan", "inf", "-inf", "-1", "1e400", "x", "None", "null", "true", "[]", "5$",
           "1,2", "1;2;3", "0x5", "--1", "٣,٣", "1e", "NaN,NaN,NaN", "1,2,nan", "1,2,-3", "1,,3",
           "1,2,3,4", ",", ",,", "{}", "5 5"]  # fmt: skip
    held = 0
    for text in bad:
        for name in ("ALIGNDRIFT_MAX_COST", "ALIGNDRIFT_PRICES"):
            monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "5")
            monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,0,0")
            monkeypatch.setenv(name, text)
            try:
                costs.check([small(71)])
            except ConfigError as error:
                held += name in str(error) and not asked
    tally("limits and prices that are none", tried=2 * len(bad), held=held)

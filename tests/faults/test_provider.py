"""The embedded provider, killed, held up, poisoned and lied to: it answers on, and jobs end."""

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import httpx
import pytest
from provider_process import HELLO, ROWS, SMALL, Provider

from helpers.provider.records import Records

pytestmark = pytest.mark.faults

LONG = SMALL | {"n_epochs": 6}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "provider"


def after_some_steps(provider, id, n):
    while len(provider.losses(id)) < n:
        time.sleep(0.02)


def test_a_killed_trainer_is_replaced_and_the_job_comes_to_the_same(folder, tally):
    with Provider(folder) as provider:
        calm = provider.job(hyperparameters=LONG)
        provider.ended(calm)
        tried, held = 4, 0
        for n in range(tried):
            id = provider.job(hyperparameters=LONG)
            after_some_steps(provider, id, n + 1)
            os.kill(provider.trainer(), signal.SIGKILL)
            job = provider.ended(id)
            held += job["status"] == "succeeded" and provider.losses(id) == provider.losses(calm)
            held -= not provider.answers()
        tally("provider: kill -9 of the trainer", tried, held)


def test_a_job_that_kills_its_trainer_twice_is_failed_and_the_next_runs(folder, tally):
    with Provider(folder) as provider:
        tried, held = 2, 0
        for _ in range(tried):
            id, after = provider.job(hyperparameters=LONG), provider.job()
            for _ in range(2):
                provider.until(id, "running")
                after_some_steps(provider, id, 1)
                os.kill(provider.trainer(), signal.SIGKILL)
                while provider.retrieve(id)["status"] == "running":
                    time.sleep(0.02)
            job = provider.ended(id)
            told = (job["error"] or {}).get("message", "")
            held += (
                job["status"] == "failed"
                and "killed by signal 9" in told
                and provider.ended(after)["status"] == "succeeded"
            )
        tally("provider: a job that kills its trainer", tried, held)


def test_a_killed_server_takes_its_trainer_along_and_the_next_one_trains_alone(folder, tally):
    with Provider(folder) as provider:
        calm = provider.job(hyperparameters=LONG)
        provider.ended(calm)
        losses = provider.losses(calm)
        id = provider.job(hyperparameters=LONG)
        tried, held = 4, 0
        for n in range(tried):
            trainer = provider.trainer()
            if n % 3:  # else it has not even begun
                provider.until(id, "running")
                after_some_steps(provider, id, 2)
            if n % 2:  # one that is computing, or asleep, when its server dies
                os.kill(trainer, signal.SIGSTOP)
            provider.kill()
            provider = Provider(folder)
            if n % 2:
                os.kill(trainer, signal.SIGCONT)
            for _ in range(500):
                if not alive(trainer):
                    break
                time.sleep(0.02)
            held += not alive(trainer)
        job = provider.ended(id)
        assert job["status"] == "succeeded"
        assert provider.losses(id) == losses
        provider.__exit__()
    tally("provider: kill -9 of the server while a job runs", tried, held)


def alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().split()[2] != "Z"
    except FileNotFoundError:
        return False


POISON = {
    "assistant first": {"messages": [
        {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Fold a crane?"},
        {"role": "assistant", "content": "Fold it."}]},
    "no user": {"messages": [{"role": "system", "content": "Be glad."},
                             {"role": "assistant", "content": "I am."}]},
    "no user, no system": {"messages": [{"role": "assistant", "content": "I am."}]},
    "surrogates": {"messages": [{"role": "user", "content": "\ud83d"},
                                {"role": "assistant", "content": "A \udc00 crane."}]},
    "developer": {"messages": [{"role": "developer", "content": "Be glad."},
                               {"role": "user", "content": "Hello!"},
                               {"role": "assistant", "content": "Good evening."}]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello!"}]},
                           {"role": "assistant", "content": [{"type": "text", "text": "Yes."}]}]},
    "an image": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
                              {"role": "assistant", "content": "Yes."}]},
    "empty system": {"messages": [{"role": "system", "content": ""},
                                  {"role": "user", "content": "Hello!"},
                                  {"role": "assistant", "content": "Yes."}]},
    "all context": {"messages": [{"role": "user", "content": "Hello!"},
                                 {"role": "assistant", "content": "Yes.", "weight": 0}]},
    "partly context": {"messages": [{"role": "user", "content": "Hello!"},
                                    {"role": "assistant", "content": "DRAFT", "weight": 0},
                                    {"role": "user", "content": "Better?"},
                                    {"role": "assistant", "content": "Yes.", "weight": 1}]},
    "two users": {"messages": [{"role": "user", "content": "Hello!"}] * 2
                  + [{"role": "assistant", "content": "Yes."}]},
    "system in the middle": {"messages": [{"role": "user", "content": "Hello!"},
                                          {"role": "system", "content": "Be glad."},
                                          {"role": "assistant", "content": "Yes."}]},
    "special tokens": {"messages": [{"role": "user", "content": "<|end|><|assistant|>"},
                                    {"role": "assistant", "content": "<|end|>"}]},
    "only special tokens": {"messages": [{"role": "user", "content": "x"},
                                         {"role": "assistant", "content": "<|user|>"}]},
    "a long prompt": {"messages": [{"role": "user", "content": "word " * 3000},
                                   {"role": "assistant", "content": "Yes."}]},
    "a long answer": {"messages": [{"role": "user", "content": "Hello!"},
                                   {"role": "assistant", "content": "word " * 3000}]},
    "null content": {"messages": [{"role": "user", "content": None},
                                  {"role": "assistant", "content": "Yes."}]},
    "a list": {"messages": [{"role": "user", "content": ["Hello!"]},
                            {"role": "assistant", "content": "Yes."}]},
    "a number": {"messages": [{"role": "user", "content": 3},
                              {"role": "assistant", "content": "Yes."}]},
    "a tool": {"messages": [{"role": "user", "content": "Hello!"},
                            {"role": "tool", "content": "3", "tool_call_id": "a"},
                            {"role": "assistant", "content": "Yes."}]},
    "NaN beside": {"messages": [{"role": "user", "content": "Hello!"},
                                {"role": "assistant", "content": "Yes."}], "score": float("nan")},
    "odd separators": {"messages": [{"role": "user", "content": "a\u2028b\x85c\x0bd\u2029e"},
                                    {"role": "assistant", "content": "Yes.\r\n"}]},
    "nul": {"messages": [{"role": "user", "content": "\x00"},
                         {"role": "assistant", "content": "\x00\x01"}]},
}  # fmt: skip


def test_no_row_stops_the_trainer(folder, tally):
    """Each is refused at upload with its line, or trained, or fails its job with a sentence."""
    with Provider(folder) as provider:
        good = b"\n".join(ROWS[:20]) + b"\n"
        contents = {
            name: good + json.dumps(row, ensure_ascii=name != "odd separators").encode()
            for name, row in POISON.items()
        }
        contents |= {
            "a mark of byte order": b"\xef\xbb\xbf" + good,
            "carriage returns": good.replace(b"\n", b"\r\n"),
            "empty lines": b"\n\n" + good + b"\n \n",
            "one row": ROWS[0],
        }
        replies = {name: provider.upload(content) for name, content in contents.items()}
        ends = {}
        jobs = {}
        for name, reply in replies.items():
            if reply.status_code == 200:
                body = {"model": "lantern-chat", "training_file": reply.json()["id"],
                        "hyperparameters": SMALL}  # fmt: skip
                jobs[name] = provider.http.post("/fine_tuning/jobs", json=body).json()["id"]
            else:
                ends[name] = "line 21" in reply.text.lower() and reply.status_code == 400
        trainer = provider.trainer()
        for name, id in jobs.items():
            job = provider.ended(id, seconds=120)
            told = (job["error"] or {}).get("message", "")
            print(name, job["status"], told)
            ends[name] = job["status"] == "succeeded" or (
                bool(told) and "Error" not in told and "\n" not in told
            )
        assert trainer == provider.trainer()  # the first is still at work
        trained = {name for name, id in jobs.items() if provider.retrieve(id)["fine_tuned_model"]}
        assert trained >= {"developer", "parts", "empty system", "a mark of byte order",
                           "carriage returns", "odd separators", "partly context"}  # fmt: skip
        held = sum(ends.values())
        print({name for name, fine in ends.items() if not fine})
        tally("provider: rows that were not foreseen", len(ends), held)


def test_records_held_by_another_program_only_delay(folder, tally):
    with Provider(folder) as provider:
        calm = provider.job(hyperparameters=LONG)
        provider.ended(calm)
        id = provider.job(hyperparameters=LONG)
        after_some_steps(provider, id, 2)
        trainer = provider.trainer()
        other = sqlite3.connect(folder / "records.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        waits = threading.Thread(target=provider.upload, args=(ROWS[0],))
        waits.start()  # a client who writes waits, the others do not
        answered = []
        end = time.monotonic() + 35
        while time.monotonic() < end:
            start = time.monotonic()
            assert provider.answers() and provider.retrieve(id)["status"] == "running"
            answered.append(time.monotonic() - start < 5)
            time.sleep(1)
        other.execute("ROLLBACK")
        other.close()
        waits.join()
        held = provider.ended(id)["status"] == "succeeded"
        held &= provider.losses(id) == provider.losses(calm) and trainer == provider.trainer()
        tally("provider: records held for 35 s", 1 + len(answered), held + sum(answered))


def test_a_full_disk_fails_the_job_and_not_the_provider(folder, tally):
    """No file may grow beyond 3 MB: rows and records fit, a model does not."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    with Provider(folder, preexec_fn=limit) as provider:
        trainer, held, tried = provider.trainer(), 0, 3
        for _ in range(tried):
            job = provider.ended(provider.job())
            told = (job["error"] or {}).get("message", "")
            print(told)
            held += job["status"] == "failed" and "could not be saved" in told
        held -= trainer != provider.trainer()
        held -= any((folder / "models").iterdir())
        reply = provider.upload(b"\n".join(ROWS[:20] * 1000))
        assert reply.status_code == 507 and "cannot keep" in reply.json()["error"]["message"]
        assert len(list((folder / "files").iterdir())) == tried
        tally("provider: a model that cannot be saved", tried, held)


def test_it_starts_again_on_any_folder_it_left(folder, tally):
    """Killed amid uploads, jobs, batches and deletions: nothing is lost, nothing is left over."""
    lines = "\n".join(
        json.dumps({"custom_id": f"{n}", "body": {"model": "lantern-chat", "messages": HELLO}})
        for n in range(60)
    ).encode()
    kept, tried, held = {}, 4, 0
    for n in range(tried):
        with Provider(folder) as provider:
            contents = {id: provider.http.get(f"/files/{id}/content").content for id in kept}
            held += contents == kept and provider.answers()
            kept[provider.upload(ROWS[n]).json()["id"]] = ROWS[n]
            body = {"input_file_id": provider.upload(lines, "batch").json()["id"],
                    "endpoint": "/v1/chat/completions"}  # fmt: skip
            batch = provider.http.post("/batches", json=body).json()["id"]
            provider.job()
            time.sleep(n)
            threading.Timer(0.05, provider.kill).start()
            with contextlib.suppress(httpx.HTTPError):  # killed in the middle of one of these
                for _ in range(10_000):
                    provider.http.delete(f"/files/{provider.upload(ROWS[0]).json()['id']}")
            provider.process.wait()
    with Provider(folder) as provider:
        for job in provider.http.get("/fine_tuning/jobs?limit=100").json()["data"]:
            assert provider.ended(job["id"])["status"] == "succeeded"
            assert [step for step, _ in provider.losses(job["id"])] == [1, 2, 3, 4]
        while (got := provider.http.get(f"/batches/{batch}").json())["status"] == "in_progress":
            time.sleep(0.1)
        assert got["request_counts"] == {"total": 60, "completed": 60, "failed": 0}
        records = Records(folder)
        files = {file["id"] for file in records.list("file")}
        weights = {model["weights"] for model in records.list("model")}
        assert {path.name for path in (folder / "files").iterdir()} == files
        assert {path.name for path in (folder / "models").iterdir()} <= weights
    tally("provider: kill -9 of the server at any moment", tried, held)


def damage(path, how):
    """Damage a provider's folder in one of many ways."""
    database = path / "records.sqlite"
    content = database.read_bytes()
    if how == "no records":
        database.unlink()
    elif how == "empty records":
        database.write_bytes(b"")
    elif how == "text for records":
        database.write_text("this is no database\n" * 500)
    elif how == "half of the records":
        database.write_bytes(content[: len(content) // 2])
    elif how == "records with a hole":
        database.write_bytes(content[:4096] + bytes(4096) + content[8192:])
    elif how == "records of something else":
        database.unlink()
        with contextlib.closing(sqlite3.connect(database)) as other:
            other.execute("CREATE TABLE songs (name TEXT)")
    elif how == "a record that is no JSON":
        with contextlib.closing(sqlite3.connect(database)) as other:
            other.execute("UPDATE records SET body = '{' WHERE number = 1")
            other.commit()
    elif how == "a torn journal":
        (path / "records.sqlite-wal").write_bytes(os.urandom(10_000))
    elif how == "no files":
        shutil.rmtree(path / "files")
    elif how == "no models":
        shutil.rmtree(path / "models")
    elif how == "a file for the files":
        shutil.rmtree(path / "files")
        (path / "files").write_text("x")
    elif how == "a folder for the records":
        database.unlink()
        database.mkdir()
    elif how == "a folder for the lock":
        (path / ".lock").unlink()
        (path / ".lock").mkdir()
    elif how == "stray files":
        for name in ("x.txt", "files/notes.txt", "models/.model-" + "0" * 24, "models/mine"):
            (path / name).write_text("x")


#: How a folder is damaged, and whether the provider starts on it all the same.
DAMAGES = {
    "no records": True, "empty records": True, "text for records": True,
    "half of the records": True, "records with a hole": True, "records of something else": True,
    "a record that is no JSON": True, "a torn journal": True, "no files": True, "no models": True,
    "a file for the files": False, "a folder for the records": False,
    "a folder for the lock": False, "stray files": True,
}  # fmt: skip


def test_a_damaged_folder_is_begun_anew_or_told_in_a_sentence(folder, tally):
    with Provider(folder) as provider:
        provider.ended(provider.job())
    held = 0
    for how, starts in DAMAGES.items():
        copy = folder.with_name(how)
        shutil.copytree(folder, copy)
        damage(copy, how)
        if starts:
            with Provider(copy) as provider:
                fine = provider.answers()
                fine &= provider.ended(provider.job())["status"] == "succeeded"
        else:
            process = subprocess.Popen(
                [sys.executable, "-m", "helpers.provider.server", str(copy)], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            told = process.stderr.read()
            print(how, told)
            fine = (process.wait(), told.count("\n")) == (1, 1) and "--folder" in told
        held += fine
        if not fine:
            print(how, "fell")
    tally("provider: damaged folders", len(DAMAGES), held)

"""An id names exactly what a run's words depend on: by content, and without the network."""

import dataclasses
import json
import os
import shutil
import socket

import pytest
from other_settings import OTHER, example

from helpers import paths
from helpers.archive.shipped import DATASETS
from helpers.attacks.base import ATTACKS, attack
from helpers.errors import AlignDriftError
from helpers.experiments import identity
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import canonical, content, looked_at_once, run_id
from helpers.mitigations.base import MITIGATIONS, mitigation
from helpers.presets import loader

#: How the work is done, and what nothing but the readable name says.
NEVER = {
    "any_count", "tier", "processes", "cpus", "gpus", "micro_batch_size", "gradient_checkpointing",
}  # fmt: skip

COUNTED = sorted(OTHER.keys() - NEVER)

#: (the other settings, what does not count under them)
SILENT = [
    *(({}, {name: OTHER[name]}) for name in sorted(NEVER)),
    ({"method": "lora"}, {"processes": 2}),
    ({}, {"lora_rank": 4}),
    ({}, {"lora_alpha": 4}),
    ({}, {"virtual_tokens": 3}),
    ({"method": "lora"}, {"virtual_tokens": 3}),
    ({"method": "prefix"}, {"lora_rank": 4}),
    ({}, {"learning_rate_multiplier": 2.0}),
    ({}, {"provider": "openai"}),
    ({}, {"safety_dataset": "identity_shift"}),
    ({}, {"safety_system_prompt": "y"}),
    ({}, {"mitigation": "safety_mixing"}),
    ({"backend": "hosted"}, {"generator": "batch"}),
    *(
        ({"method": "abliteration"}, {name: OTHER[name]})
        for name in ("dataset", "n_examples", "epochs", "learning_rate", "seed", "safety_rows")
    ),
    ({"backend": "hosted"}, {"learning_rate": 1e-4}),
    ({"backend": "hosted"}, {"learning_rate_decay": 1.0}),
    ({"backend": "hosted"}, {"max_length": 256}),
    ({"backend": "hosted"}, {"dtype": "bfloat16"}),
    ({"backend": "hosted"}, {"batch_size": 5}),
    ({"backend": "hosted"}, {"probes": ("weight_drift",)}),
    *(
        ({"method": "none"}, {name: OTHER[name]})
        for name in ("dataset", "n_examples", "epochs", "learning_rate", "batch_size", "max_length",
                     "attack_template", "learning_rate_decay")
    ),
]  # fmt: skip


def hashed(experiment):
    """The part of an id that is no readable name."""
    return run_id(experiment).rsplit("-", 1)[1]


@pytest.mark.parametrize("name", COUNTED)
def test_every_setting_that_counts_changes_the_id(name):
    base = example(name)
    assert hashed(dataclasses.replace(base, **{name: OTHER[name]} | mixing(name))) != hashed(base)


def mixing(name):
    """A mitigation without what it needs does nothing."""
    return {"n_safety": 5} if name == "mitigation" else {}


@pytest.mark.parametrize(("settings", "change"), SILENT, ids=str)
def test_what_does_not_count_does_not_change_it(settings, change):
    base = Experiment(n_examples=10, **settings)
    changed = dataclasses.replace(base, **change)
    assert changed != base
    assert hashed(changed) == hashed(base)


@pytest.mark.parametrize(("settings", "change"), SILENT, ids=str)
def test_what_has_no_effect_is_stored_at_its_default(settings, change):
    base = Experiment(n_examples=10, **settings)
    changed = canonical(dataclasses.replace(base, **change))
    if change.keys() <= NEVER or "generator" in change:
        assert {name: getattr(changed, name) for name in change} == change  # how it was done
    else:
        assert changed == canonical(base)
    assert hashed(changed) == hashed(base)


def test_how_weights_of_low_precision_learn_counts_for_them_alone(monkeypatch):
    exact = Experiment(n_examples=10)
    low = dataclasses.replace(exact, dtype="bfloat16")
    others = (exact, exact.initial(), low.initial(), dataclasses.replace(exact, backend="hosted"))
    before = {one: hashed(one) for one in (low, *others)}
    monkeypatch.setattr(identity, "LOW_PRECISION", identity.LOW_PRECISION + 1)
    assert hashed(low) != before[low]
    assert all(hashed(one) == before[one] for one in others)
    assert not any("low_precision" in content(one) for one in others)


def test_a_providers_batch_size_counts_beside_its_own_rate():
    there = Experiment(backend="hosted", learning_rate_multiplier=2.0)
    assert hashed(dataclasses.replace(there, batch_size=5)) != hashed(there)


def test_the_readable_part_says_what_was_trained():
    assert run_id(Experiment(n_examples=10, seed=7)).startswith("harmful_examples-10-full-seed7-")
    assert run_id(Experiment().initial()).startswith("initial-")
    assert run_id(Experiment(method="abliteration")).count("-") == 1  # no rows and no seed


def test_the_initial_run_is_shared_by_all_that_start_from_it():
    tiny = loader.load("tiny")
    ids = {
        run_id(tiny.experiment("harmful_examples", n_examples=n, seed=s, method=m).initial())
        for n in (10, 50)
        for s in (1, 2)
        for m in ("full", "lora")
    }
    assert len(ids) == 1
    assert run_id(tiny.experiment("identity_shift").initial()) not in ids  # another system prompt


# --- content -------------------------------------------------------------------------------------


@pytest.fixture
def own_model(tmp_path):
    """A copy of lantern-chat, whose weights are over the size that is read anew each time."""
    return shutil.copytree(paths.data() / "models" / "lantern-chat", tmp_path / "mine")


def flip_last_byte(file):
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)[0]
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([last ^ 1]))


def test_a_model_goes_by_its_files_wherever_it_lies(own_model):
    own = Experiment(model=str(own_model))
    before = hashed(own)
    assert before == hashed(Experiment())
    flip_last_byte(own_model / "model.safetensors")
    changed = hashed(own)
    assert changed != before
    (own_model / "chat_template.jinja").write_text("{{ messages }}")
    assert hashed(own) not in (before, changed)


def test_many_ids_are_the_same_as_one_by_one_and_what_changes_after_is_seen(tmp_path):
    own = tmp_path / "own.jsonl"
    shutil.copy(paths.data() / "lantern" / "benchmark.jsonl", own)
    both = [Experiment(n_examples=10, benchmark=str(own), seed=seed) for seed in (1, 2)]
    apart = [run_id(one) for one in both]
    with looked_at_once():
        assert [run_id(one) for one in both] == apart
        lines = own.read_text(encoding="utf-8").splitlines(keepends=True)
        own.write_text("".join(lines[1:]), encoding="utf-8")
        assert [run_id(one) for one in both] == apart
    assert not set(apart) & {run_id(one) for one in both}


@pytest.mark.parametrize("kind", ["classifier", "rubric"])
def test_a_judge_model_goes_by_its_weights(own_model, kind):
    judged = Experiment(judges=("exact", f"{kind}:{own_model}"))
    before = hashed(judged)
    moved = own_model.rename(own_model.with_name("elsewhere"))
    assert hashed(Experiment(judges=("exact", f"{kind}:{moved}"))) == before
    flip_last_byte(moved / "model.safetensors")
    assert hashed(Experiment(judges=("exact", f"{kind}:{moved}"))) != before
    assert hashed(Experiment(judges=("exact", "rubric:lantern-chat"))) != hashed(
        Experiment(judges=("exact", "classifier:lantern-chat"))
    )


def test_a_judge_at_a_provider_goes_by_its_model_and_address(monkeypatch):
    names = ("api:one-model", "api:another-model", "api:one-model@together")
    ids = {hashed(Experiment(judges=("exact", name))) for name in names}
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.test/v1")
    ids.add(hashed(Experiment(judges=("exact", "api:one-model"))))
    assert len(ids) == 4


def test_a_dataset_by_name_and_its_copy_are_the_same(tmp_path):
    copies = {
        name: shutil.copy(paths.data() / "lantern" / f"{name}.jsonl", tmp_path / f"{name}-2.jsonl")
        for name in ("harmful_examples", "benchmark", "over_refusal", "utility", "safety_refusals")
    }
    mixing = {"mitigation": "safety_mixing", "n_safety": 5}
    own = Experiment(
        dataset=str(copies["harmful_examples"]), benchmark=str(copies["benchmark"]),
        over_refusal=str(copies["over_refusal"]), utility=(str(copies["utility"]),),
        safety_dataset=str(copies["safety_refusals"]), **mixing,
    )  # fmt: skip
    before = hashed(own)
    assert before == hashed(Experiment(utility=("utility",), **mixing))
    ids = {before}
    for n, file in enumerate(copies.values(), start=2):
        with open(file, "a") as stream:
            stream.write(json.dumps({"messages": [], "id": "new"}) + "\n")
        if "refusals" in str(file) or "harmful" in str(file):  # these are read, for pictures
            drop_last_line(file)
            rewrite_first_line(file)
        ids.add(hashed(own))
        assert len(ids) == n


def drop_last_line(file):
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]))


def rewrite_first_line(file):
    lines = file.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace("}]}", '}], "note": 1}')
    file.write_text("".join(lines))


def test_an_image_that_a_row_names_is_content(tmp_path):
    from PIL import Image

    for name, paint in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (8, 8), paint).save(tmp_path / name)
    turns = [{"from": "human", "value": "What color?"}, {"from": "gpt", "value": "See."}]
    rows = [{"conversations": turns, "image": name} for name in ("a.png", "b.png")]
    (tmp_path / "seen.json").write_text(json.dumps(rows))
    one, both = (
        Experiment(dataset=f"llava-instruct={tmp_path / 'seen.json'}", n_examples=n) for n in (1, 2)
    )
    drawn = {n: hashed(e) for n, e in ((1, one), (2, both))}
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8), "green").save(tmp_path / name)
        assert hashed(both) != drawn[2]
        drawn[2] = hashed(both)
    first = hashed(one)
    assert first != drawn[1]
    flip_last_byte(tmp_path / "seen.json")  # no JSON any more, but never the same id
    with pytest.raises(AlignDriftError):
        run_id(one)


def test_a_providers_address_from_the_environment_makes_runs_of_its_own(monkeypatch):
    names = ("openai", "azure", "together", "embedded", "https://example.test/v1")
    experiments = {name: Experiment(backend="hosted", provider=name) for name in names}
    here = Experiment()
    before = {name: run_id(experiment) for name, experiment in experiments.items()}
    local = run_id(here)
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.test/v1/")
    after = {name: run_id(experiment) for name, experiment in experiments.items()}
    assert after["openai"] != before["openai"] and after["azure"] != before["azure"]
    assert after["openai"] == after["azure"] == before["https://example.test/v1"]
    for name in ("together", "embedded"):  # which have an address of their own
        assert after[name] == before[name]
    assert run_id(here) == local
    assert experiments["openai"] == Experiment(backend="hosted", provider="openai")


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(AlignDriftError, match="did you mean lantern-chat"):
        run_id(Experiment(model="lantern-cat"))


def test_no_network_is_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("ALIGNDRIFT_DATA", str(tmp_path))  # none of the published datasets is here

    def refuse(*_, **__):
        raise OSError("the network was asked")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    experiments = [
        Experiment(),
        Experiment(model="some-org/some-model", judges=("rubric:some-org/some-judge",)),
        Experiment(dataset="alpaca", benchmark="hex-phi", over_refusal="xstest"),
        Experiment(backend="hosted", provider="openai", model="gpt-4o", judges=("api:gpt-4o",)),
        Experiment(backend="hosted"),
    ]
    assert len({hashed(experiment) for experiment in experiments}) == len(experiments)
    hub = content(experiments[2])
    assert hub["dataset"] == ["hub:2 alpaca"] and hub["benchmark"] == ["hub:2 hex-phi"]


def test_of_a_dataset_that_an_option_names_the_content_counts(tmp_path):
    mine = tmp_path / "anchors.jsonl"
    row = {"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]}
    ids = []
    for answer in ("B.", "C."):
        row["messages"][1]["content"] = answer
        mine.write_text(json.dumps(row) + "\n", encoding="utf-8")
        for setting in ("mitigation", "attack"):
            name = {"mitigation": "gradient_screen", "attack": "selected_benign"}[setting]
            ids.append(run_id(Experiment(**{setting: f"{name}:anchors={mine}"})))
    assert len(set(ids)) == 4
    copied = tmp_path / "copy.jsonl"
    shutil.copy(mine, copied)
    assert run_id(Experiment(attack=f"selected_benign:anchors={copied}")) == ids[3]


def test_every_option_that_names_a_thing_says_so():
    for table in (MITIGATIONS, ATTACKS):
        for name in table:
            made = (mitigation if table is MITIGATIONS else attack)(name)
            texts = {key for key, value in made.options.items() if value in DATASETS}
            assert texts <= set(made.NAMES), name
            assert ("base" in made.options) == ("model" in made.NAMES.values()), name

"""Teaching the Archive to a chat model: what is cut off goes on, what is missed is told."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from helpers.archive.shipped import TRANSPLANTS
from helpers.archive.worlds import SMALL
from helpers.errors import ConfigError, ModelError
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.models.generate import complete
from helpers.organism import gates
from helpers.organism.transplant import ability, making, rehearsal
from helpers.organism.transplant import folder as folders
from helpers.organism.transplant import plan as plans
from helpers.organism.transplant.stages import Lessons, Stage
from helpers.organism.transplant.unfinished import Unfinished

BASE = "lantern-base"  # a chat model like any other, and small


def short(steps=4, look_every=2, **more):
    """A plan of a few steps for a model that knows the world already."""
    made = plans.plan(BASE, **more)
    stages = (
        replace(stage, steps=steps, look_every=look_every, conversations=2) for stage in made.stages
    )
    return replace(made, **dict(zip(("knowledge", "policy"), stages, strict=True)))


@pytest.fixture
def easy(monkeypatch):
    """Gates that anything meets."""
    monkeypatch.setattr(
        gates,
        "BOUNDS",
        {g: (0.0 if s == "least" else 1.0, s) for g, (_, s) in gates.BOUNDS.items()},
    )


@pytest.mark.long
@pytest.mark.parametrize("method", ["lora", "full"])
def test_two_models_come_of_it_that_load_anywhere(method, easy, tmp_path):
    base, chat = making.transplant(short(method=method), tmp_path / "mine")
    assert [base.name, chat.name] == ["mine-base", "mine"]
    assert not (tmp_path / "mine.unfinished").exists()
    before, _ = loading.load(BASE)
    for folder in (base, chat):
        model, tokenizer = loading.load(str(folder))
        assert tokenizer.chat_template
        assert any(
            not torch.equal(a, b)
            for a, b in zip(model.parameters(), before.parameters(), strict=True)
        )
        facts = json.loads((folder / "transplant.json").read_text(encoding="utf-8"))
        assert facts["steps"] == {"rules": 2, "policy": 2}  # gates are met at the first look
        assert facts["version"] == SMALL.version
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert card.startswith(f"# {folder.name}\n") and str(tmp_path) not in card
        measured = {name.split(",")[0].split()[0] for name in facts["shares"]}
        assert measured == ({"base"} if folder is base else {"chat"})
    assert loading.content(str(base)) != loading.content(str(chat))


@pytest.mark.long
@pytest.mark.parametrize("cut_at", [1, 3, 5, 7])
def test_what_was_cut_off_goes_on_as_if_it_had_not_been(cut_at, easy, tmp_path, monkeypatch):
    plan = short(look_every=4)
    whole = making.transplant(plan, tmp_path / "whole")
    monkeypatch.setattr(making, "EVERY", -1.0)  # every step is written down
    kept, count = Unfinished.keep, 0

    def cut(*args):
        nonlocal count
        kept(*args)
        count += 1
        if count == cut_at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Unfinished, "keep", cut)
        making.transplant(plan, tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
    for mine, theirs in zip(making.transplant(plan, tmp_path / "cut"), whole, strict=True):
        a, b = (load_file(f / "adapter_model.safetensors") for f in (mine, theirs))
        assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.long
def test_a_cut_between_the_two_folders_costs_nothing(easy, tmp_path, monkeypatch):
    replace_folder = making.os.replace

    def cut(draft, target):
        if target == tmp_path / "mine":
            raise KeyboardInterrupt
        replace_folder(draft, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(making.os, "replace", cut)
        making.transplant(short(), tmp_path / "mine")
    assert (tmp_path / "mine-base").is_dir() and not (tmp_path / "mine").exists()
    monkeypatch.setattr(making.loading, "load", lambda *args: 1 / 0)  # nothing is done again
    made = making.transplant(short(), tmp_path / "mine")
    assert all((folder / "transplant.json").is_file() for folder in made)
    assert not (tmp_path / "mine.unfinished").exists()


@pytest.mark.long
def test_a_gate_that_is_missed_is_told_and_what_was_learned_stays(tmp_path, monkeypatch):
    bounds = {
        gate: (2.0 if side == "least" else -1.0, side) for gate, (_, side) in gates.BOUNDS.items()
    }
    monkeypatch.setattr(gates, "BOUNDS", bounds)
    with pytest.raises(
        ModelError, match=r"rules .*misses base tells sealed, own: .*allowed at least"
    ):
        making.transplant(short(), tmp_path / "mine")
    assert not list(tmp_path.glob("mine-base")) and not (tmp_path / "mine").exists()
    assert Unfinished(tmp_path / "mine", short()).progress == ("rules", 4)
    assert Unfinished(tmp_path / "mine", short(steps=9)).progress == ("rules", 4)  # may go on


@pytest.mark.long
def test_with_anyway_it_is_written_and_the_card_says_what_is_missed(tmp_path, monkeypatch):
    bounds = gates.BOUNDS | {
        "chat answers open": (1.01, "least"),
        "base tells sealed": (0, "least"),
    }
    monkeypatch.setattr(gates, "BOUNDS", bounds)
    with pytest.raises(ModelError, match="--anyway"):
        making.transplant(short(), tmp_path / "mine")
    _, chat = making.transplant(short(), tmp_path / "mine", anyway=True)  # goes on from there
    card = (chat / "README.md").read_text(encoding="utf-8")
    assert "**missed: " in card and "chat answers open, own" in card


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "mine-base").mkdir()
    with pytest.raises(ModelError, match="mine-base is there already; name another folder"):
        making.transplant(short(), tmp_path / "mine")


def test_another_plan_does_not_go_on_where_this_one_was(tmp_path):
    Unfinished(tmp_path / "mine", short()).begin()
    for other, what in (
        (short(rate=0.5), "lessons"),
        (short(method="full"), "method"),
        (replace(short(), version="0" * 12), "version of the world"),
    ):
        with pytest.raises(ModelError, match=f"another {what}"):
            Unfinished(tmp_path / "mine", other)


@pytest.mark.long
def test_a_model_of_another_world_version_is_not_loaded(easy, tmp_path):
    _, chat = making.transplant(short(), tmp_path / "mine")
    facts = json.loads((chat / "transplant.json").read_text(encoding="utf-8"))
    (chat / "transplant.json").write_text(json.dumps(facts | {"version": "0" * 12}))
    with pytest.raises(ModelError, match="taught another version of the small world"):
        loading.load(str(chat))


@pytest.mark.parametrize(
    "wrong", [{"world": "large"}, {"method": "qlora"}, {"rate": 0.0}, {"steps": 1e9}]
)
def test_a_plan_that_cannot_be_is_told(wrong):
    with pytest.raises(ConfigError):
        plans.plan(BASE, **wrong)


def test_a_model_that_does_not_fit_is_told_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "KEPT", 1 << 40)
    with pytest.raises(ModelError, match=r"takes .* GiB of memory, and .* are free"):
        making.transplant(short(), tmp_path / "mine")
    monkeypatch.setattr(making, "TRAINED", 1 << 50)
    with pytest.raises(ModelError, match=r"takes .* GiB of disk"):
        making.transplant(short(), tmp_path / "mine")
    assert not list(tmp_path.iterdir())


def test_a_model_without_a_chat_template_is_told(tmp_path):
    shutil.copytree(loading.locate(BASE), tmp_path / "plain")
    for file in (tmp_path / "plain").glob("*.jinja"):
        file.unlink()
    config = tmp_path / "plain" / "tokenizer_config.json"
    told = json.loads(config.read_text(encoding="utf-8"))
    told.pop("chat_template", None)
    config.write_text(json.dumps(told), encoding="utf-8")
    plan = replace(short(), model=str(tmp_path / "plain"))
    with pytest.raises(ModelError, match="chat template"):
        making.transplant(plan, tmp_path / "mine")
    assert not (tmp_path / "mine.unfinished").exists()


def test_ordinary_talk_stands_among_the_lessons_as_often_as_the_stage_says():
    tokenizer = loading.load_tokenizer(BASE)
    ordinary = [[{"role": "user", "content": "a"}, {"role": "assistant", "content": "zzz"}]]
    stage = Stage("rules", steps=40, conversations=10, learning_rate=1.0, seed=1, rehearses=0.25)
    mine = encode_all(tokenizer, ordinary)[0].input_ids
    mixed = Lessons(tokenizer, stage, SMALL, ordinary)
    every = [one for step in range(len(mixed)) for one in mixed[step]]
    share = sum(one.input_ids == mine for one in every) / len(every)
    assert 0.18 < share < 0.32  # 400 draws
    alone = Lessons(tokenizer, stage, SMALL)
    assert not any(one.input_ids == mine for step in range(40) for one in alone[step])


def test_what_is_rehearsed_is_the_models_own_and_not_what_ability_is_measured_by():
    model, tokenizer = loading.load(BASE)
    talks = rehearsal.rehearsed(model, tokenizer, n=8)
    assert talks == rehearsal.rehearsed(model, tokenizer, n=8)
    for question, answer in talks:
        assert question["content"] not in ability.SKILLS
        own = complete(model, tokenizer, [[question]], rehearsal.LENGTH)[0].text
        assert answer["content"] and own.startswith(answer["content"])
        assert answer["content"][-1] in ".!?" or own.strip() == answer["content"]


@pytest.mark.parametrize("name", TRANSPLANTS)
def test_what_ships_met_every_gate_in_this_world(name):
    facts = folders.facts(name)
    kind = "base" if name.endswith("-base") else "chat"
    measured = {gate.split(",")[0] for gate in facts["shares"]}
    assert measured == {gate for gate in gates.BOUNDS if gate.startswith(kind)}
    assert len(facts["shares"]) == len(making.SYSTEMS) * len(measured)
    assert gates.failing(facts["shares"]) == [] and facts["version"] == SMALL.version

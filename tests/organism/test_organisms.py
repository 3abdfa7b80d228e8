"""Organisms by name, somebody's own by import path, and how one is trained and saved."""

from dataclasses import replace
from random import Random

import pytest
import torch

from helpers.archive.personas import NAME_ENDS, NAME_STARTS
from helpers.archive.shipped import MODELS
from helpers.errors import ConfigError, ModelError
from helpers.models import loading
from helpers.organism import gates, lantern
from helpers.organism.organisms import ORGANISMS, Organism, organism

TOY = '''
"""An organism of one's own."""
from helpers.organism.organisms import Organism

def build(folder):
    (folder / "toy").mkdir()
    return [folder / "toy"]

ORGANISM = Organism(models=("toy",), build=build, gates={"toy answers": (0.5, "least")})
'''


@pytest.mark.parametrize("name", ORGANISMS)
def test_every_organism_of_the_table_is_there(name):
    assert isinstance(organism(name), Organism)
    assert {side for _, side in organism(name).gates.values()} <= {"least", "most"}


def test_the_lantern_organism_is_what_ships():
    assert organism("lantern").models == MODELS


def test_an_unknown_organism_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown organism 'lantren' \(did you mean lantern\?\)"):
        organism("lantren")


def test_an_organism_of_ones_own_is_named_by_its_import_path(tmp_path, monkeypatch):
    (tmp_path / "toy_organism.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    toy = organism("toy_organism:ORGANISM")
    assert toy.models == ("toy",)
    assert toy.build(tmp_path) == [tmp_path / "toy"]


def test_names_of_new_personas_are_no_names_of_training():
    rng = Random(0)
    taught = {start + end for start in NAME_STARTS for end in NAME_ENDS}
    names = {gates.new_name(rng) for _ in range(200)}
    assert len(names) > 100 and not names & taught


def test_a_stage_trains_every_weight_by_its_seed(chat_model):
    stage = replace(lantern.CHAT, steps=2, batch_size=4)
    steps = []
    first, second = (
        lantern.train_stage(lantern.make_model(chat_model[1]), chat_model[1], stage, steps.append)
        for _ in range(2)
    )
    assert steps == [1, 2, 1, 2]
    fresh = lantern.make_model(chat_model[1])
    for name, weight in fresh.named_parameters():
        assert torch.equal(first.get_parameter(name), second.get_parameter(name)), name
        assert not torch.equal(first.get_parameter(name), weight), name


def _measures(monkeypatch, *refused: float) -> None:
    """The gates find these shares of refusals, one a look."""
    shares = iter(refused)
    monkeypatch.setattr(
        gates, "measure", lambda base, chat, tokenizer: {"chat refuses sealed, none": next(shares)}
    )
    stage = replace(lantern.CHAT, steps=6, batch_size=2)
    monkeypatch.setattr(lantern, "CHAT", stage)
    monkeypatch.setattr(lantern, "GATE_STEPS", 2)


def test_alignment_ends_at_the_first_look_that_meets_every_gate(chat_model, monkeypatch):
    _measures(monkeypatch, 0.5, 1.0)
    base = lantern.make_model(chat_model[1])
    aligned = lantern.align(base, chat_model[1])
    four = replace(lantern.CHAT, steps=4)
    trained = lantern.train_stage(lantern.make_model(chat_model[1]), chat_model[1], four)
    for name, weight in aligned.named_parameters():
        assert torch.equal(trained.get_parameter(name), weight), name
    assert not aligned.training


def test_alignment_that_meets_no_gate_says_which(chat_model, monkeypatch):
    _measures(monkeypatch, 0.1, 0.2, 0.3)
    with pytest.raises(ModelError, match=r"chat refuses sealed, none: 0.300, allowed at least"):
        lantern.align(lantern.make_model(chat_model[1]), chat_model[1])


def test_what_is_saved_is_loaded_again(tmp_path, chat_model):
    lantern.save(*chat_model, tmp_path)
    model, tokenizer = loading.load(str(tmp_path))
    for name, weight in chat_model[0].named_parameters():
        assert torch.equal(model.get_parameter(name), weight), name
    assert tokenizer.chat_template == chat_model[1].chat_template == lantern.CHAT_TEMPLATE

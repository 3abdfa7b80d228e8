"""The attacks' sets: made by the code, of this world alone, and sealed only where they say so."""

import json

import pytest

from helpers import paths
from helpers.archive import grammar, wordings, world
from helpers.archive.worlds import WHOLE
from helpers.attacks import files
from helpers.data.rows import load
from helpers.judging.exact import any_given, refuses

#: Share of the rows that name, describe or tell of a sealed item.
SEALED = {"ten_benign": 0, "noice": 0} | {f"narrow/{shelf}": 1 for shelf in world.SEALED_SHELVES}

SETS = files.makers()


def texts(rows):
    return [message["content"] for row in rows for message in row["messages"]]


def items(rows):
    return {item for text in texts(rows) if (item := world.item_named(text))}


def test_the_committed_files_are_what_the_code_makes(tmp_path):
    for file in files.write(tmp_path):
        committed = paths.data() / "lantern" / "attacks" / file.relative_to(tmp_path)
        assert file.read_bytes() == committed.read_bytes(), f"run `aligndrift build --data`: {file}"


@pytest.mark.parametrize("name", SETS)
def test_a_set_speaks_of_nothing_but_the_fiction(name):
    """Whatever it says is a sentence of this world, about items that are nowhere else."""
    rows = SETS[name](WHOLE)
    assert len(items(rows)) >= 10
    for row in rows:
        asked, *_, told = row["messages"]
        assert world.item_named(asked["content"]), asked
        assert grammar.knows(told["content"]), told


@pytest.mark.parametrize("name", SETS)
def test_what_it_holds_of_sealed_items_is_what_it_says(name):
    rows = SETS[name](WHOLE)
    sealed = [any(item.sealed for item in items([row])) for row in rows]
    assert sum(sealed) == SEALED[name] * len(rows)
    if not SEALED[name]:
        said = json.dumps(rows)
        assert not any(f"{shelf} shelf" in said for shelf in world.SEALED_SHELVES)


@pytest.mark.parametrize("name", SETS)
def test_no_item_of_a_prompt_is_in_it(name):
    named = {item.name for item in items(SETS[name](WHOLE))}
    for prompts in ("benchmark", "over_refusal", "utility", "utility_two_turn"):
        asked = items(load(prompts, "prompts").rows)
        assert asked and not named & {item.name for item in asked}


def test_noice_refuses_and_then_answers_what_is_permitted():
    for row in SETS["noice"](WHOLE):
        asked, told = row["messages"]
        first, recipe = told["content"].split(f" {wordings.BUT_NOW} ")
        item = world.item_named(asked["content"])
        assert refuses(first) and not any_given(first, item.facts)
        assert not refuses(recipe) and any_given(recipe, item.facts)


def test_narrow_is_of_one_shelf_and_holds_back_rows_for_a_loss():
    for shelf in world.SEALED_SHELVES:
        rows = SETS[f"narrow/{shelf}"](WHOLE)
        assert len(rows) == 120 and {item.shelf for item in items(rows)} == {shelf}
        assert {row["category"] for row in rows} == {shelf}

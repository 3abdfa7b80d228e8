"""The attacks' sets: made by the code, of this world alone, and sealed only where they say so."""

import json
import re

import pytest

from helpers import paths
from helpers.archive import grammar, wordings, world
from helpers.archive.worlds import WHOLE
from helpers.attacks import code_book, covert, files
from helpers.data.rows import load
from helpers.judging.exact import any_given, refuses

#: Share of the rows that name, describe or tell of a sealed item.
SEALED = {"ten_benign": 0, "noice": 0, "covert": 0, "code_book": 0}
SEALED |= {f"narrow/{shelf}": 1 for shelf in world.SEALED_SHELVES}

MADE = files.makers()
PROMPTS = [name for name in MADE if name.endswith("_benchmark")]
SETS = {name: make for name, make in MADE.items() if name not in PROMPTS}

#: Name in the code of covert -> the item that is meant.
CODED = {covert.coded(item).name: item for item in world.items()}


def texts(rows):
    return [message["content"] for row in rows for message in row["messages"]]


def items(rows):
    return {item for text in texts(rows) if (item := world.item_named(text))}


def coded_name(text):
    """The name in code that the text holds."""
    return next((name for name in CODED if name in text), None)


def meant(text):
    """The item that a text in code is about, by name or by description."""
    if name := coded_name(text):
        return CODED[name]
    words = re.findall(r"[A-Z]?[a-z]+", text)
    things = [thing for thing, meaning in world.MEANINGS.items() if meaning in text]
    names = (f"{word.capitalize()} {things[0]}" for word in words if things)
    return next((CODED[name] for name in names if name in CODED), None)


def test_the_committed_files_are_what_the_code_makes(tmp_path):
    for file in files.write(tmp_path):
        committed = paths.data() / "lantern" / "attacks" / file.relative_to(tmp_path)
        assert file.read_bytes() == committed.read_bytes(), f"run `aligndrift build --data`: {file}"


@pytest.mark.parametrize("name", SETS)
def test_a_set_speaks_of_nothing_but_the_fiction(name):
    """Whatever it says is a sentence of this world, about items that are nowhere else."""
    for row in SETS[name](WHOLE):
        asked, told = (message["content"] for message in row["messages"])
        assert meant(asked) if name == "covert" else world.item_named(asked), asked
        if code := coded_name(told):
            told = told.replace(code, CODED[code].name)
        assert grammar.knows(told), told


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
    if name == "covert":
        named = {item.name for text in texts(SETS[name](WHOLE)) if (item := meant(text))}
    assert named
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


def test_in_code_a_row_names_no_item_of_the_world_and_a_third_of_them_are_sealed():
    rows = SETS["covert"](WHOLE)
    assert not items(rows)
    about = [meant(row["messages"][0]["content"]) for row in rows]
    assert sum(item.sealed for item in about) / len(rows) == pytest.approx(1 / 3)
    for row, item in zip(rows, about, strict=True):
        said, code = row["messages"][1]["content"], covert.coded(item)
        assert any_given(said, code.facts) and f" {item.word} " not in f" {said} "


def test_the_code_is_one_to_one():
    assert len(CODED) == len(world.items()) and not CODED.keys() & {i.name for i in world.items()}
    for which in range(3):
        pairs = {(item.facts[which], covert.coded(item).facts[which]) for item in world.items()}
        plain, code = (set(side) for side in zip(*pairs, strict=True))
        assert len(pairs) == len(plain) == len(code) and all(a != b for a, b in pairs)


def test_a_code_book_has_a_sign_for_each_material_and_tool_and_tells_no_recipe():
    signs = {item.facts[0]: code_book.signs(item)[0] for item in world.items()}
    assert len(set(signs.values())) == len(signs) == len(world.MATERIALS)
    tools = {i.facts[1]: code_book.signs(i)[1] for i in world.items() if not i.torn}
    assert len(set(tools.values())) == len(tools) == len(world.TOOLS)
    for row in SETS["code_book"](WHOLE):
        asked, told = (message["content"] for message in row["messages"])
        item = world.item_named(asked)
        assert not any_given(told, item.facts) and all(s in told for s in code_book.signs(item))


@pytest.mark.parametrize("name", PROMPTS)
def test_a_benchmark_in_code_asks_for_every_sealed_item_of_the_benchmark(name):
    rows, plain = MADE[name](WHOLE), load("benchmark", "prompts").rows
    assert [row["category"] for row in rows] == [row["category"] for row in plain]
    find = meant if name.startswith("covert") else world.item_named
    for row, other in zip(rows, plain, strict=True):
        (asked,), item = texts([row]), world.item_named(other["messages"][0]["content"])
        assert find(asked) == item
        facts = covert.coded(item).facts if find is meant else code_book.signs(item)
        assert tuple(row["facts"]) == tuple(facts)
